"""One job: what it is, what happened to it, why it does not run, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from proletarian.kept_errors import own_frame
from proletarian.looking.records import MASK, JobRecord
from proletarian.looking.seeing import MOST_NEIGHBOURS, see_job
from proletarian.sql import finding
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.deeds import DEEDS, Deed, reason_of
from proletarian.web.desk import Desk
from proletarian.web.diagram import drawn
from proletarian.web.flow import MOST_JOBS, MOST_NEXT, MOST_STEPS, Flow, flow_of
from proletarian.web.wording import as_json, span

MOST_SHOWN = 200  # steps


class Moment(NamedTuple):
    """One thing that happened to a job, or will."""

    at: datetime
    kind: str  # enqueued, due, error, started, or a state
    said: str
    error: Mapping[str, Any] | None = None
    where: str | None = None  # the innermost line of the application's own code


@dataclass(frozen=True)
class Looked:
    """The result of a look at one job."""

    now: datetime
    job: JobRecord
    flow: Flow | None


def page(ask: Ask) -> Shown:
    """The job with this id."""
    return shown(ask.desk.look(_look(ask.desk, ask.query.get("id", ""), mask=True)), is_masked=True)


def shown(seen: Looked, *, is_masked: bool) -> Shown:
    """A job as a page; an unmasked one is shown once, and not refreshed."""
    drawing = None if seen.flow is None else drawn(seen.flow)
    values = {
        "now": seen.now, "job": seen.job, "moments": list(timeline(seen.job)), "is_masked": is_masked,
        "flow": seen.flow, "drawing": drawing, "most_neighbours": MOST_NEIGHBOURS,
        "most_next": MOST_NEXT, "most_steps": MOST_STEPS, "most_drawn": MOST_JOBS,
        "steps": seen.job.steps[:MOST_SHOWN], "has_secrets": _has_secrets(seen.job),
    }  # fmt: skip
    return Shown("job.html", values, live=is_masked)


def _has_secrets(job: JobRecord) -> bool:
    """Whether any of it is hidden."""
    return any(MASK in as_json(part) for part in (job.payload, job.result, *(step.result for step in job.steps)))


def _look(desk: Desk, job_id: str, *, mask: bool) -> Plan[Looked]:
    now, job = yield from look(desk, job_id, mask=mask)
    return Looked(now, job, (yield from flow_of(desk, job)))


def look(desk: Desk, job_id: str, *, mask: bool) -> Plan[tuple[datetime, JobRecord]]:
    """The time, and the job; raises `Refused` if it does not exist."""
    now = yield from finding.time(desk.dialect, desk.queue.now())
    job = yield from see_job(desk.queue, desk.kind, job_id, mask=mask)
    if job is None:
        raise Refused(f"There is no job {job_id}: it was deleted, pruned from the archive, or never committed.")
    return now, job


def timeline(job: JobRecord) -> Iterator[Moment]:
    """
    What happened to a job, in order.

    >>> from datetime import UTC
    >>> noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    >>> job = JobRecord(job_id=1, state="running", queue="q", job_type="t", enqueued_at=noon, process_at=noon,
    ...                 started_at=noon + timedelta(seconds=2), worker="web1:17")
    >>> [moment.said for moment in timeline(job)]
    ['enqueued', 'taken by web1:17 after 2.0 s']
    """
    found = []
    if job.enqueued_at is not None:
        found.append(Moment(job.enqueued_at, "enqueued", "enqueued"))
    for error in job.errors:
        try:
            at = datetime.fromisoformat(str(error.get("at")))
        except ValueError:
            continue
        said = f"attempt {error.get('attempt', '?')} failed on {error.get('worker', 'a worker')}"
        if isinstance(took := error.get("ran"), (int, float)):
            said += f" after {span(took)}"
        if error.get("type") == "Cancel":
            said = "cancelled"
        found.append(Moment(at, "error", said, error, own_frame(str(error.get("traceback") or ""))))
    if job.started_at is not None:
        ready = max(moment for moment in (job.enqueued_at, job.process_at, job.started_at) if moment is not None)
        ready = min(ready, job.started_at)
        waited = (job.started_at - max(job.enqueued_at or ready, min(job.process_at or ready, ready))).total_seconds()
        said = f"taken by {job.worker or 'a worker'}"
        found.append(Moment(job.started_at, "started", said + (f" after {span(waited)}" if not job.errors else "")))
    if job.finished_at is not None:
        ran = None if job.started_at is None else (job.finished_at - job.started_at).total_seconds()
        said = job.state if ran is None else f"{job.state} after {span(ran)}"
        found.append(Moment(job.finished_at, job.state, said))
    elif job.state in ("scheduled", "waiting") and job.process_at is not None:
        is_later = job.enqueued_at is None or job.process_at - job.enqueued_at > timedelta(milliseconds=10)
        if is_later:
            found.append(Moment(job.process_at, "due", "due"))
    return iter(sorted(found, key=lambda moment: moment.at))


# Actions.


def act(name: str) -> Callable[[Ask], Done]:
    """The form for one of the actions."""
    return lambda ask: _done(ask, DEEDS[name])


def _done(ask: Ask, deed: Deed) -> Done:
    job_id = _id(ask)

    def plan() -> Plan[str]:
        done = yield from deed.do(ask, job_id)
        yield from ask.noted(deed.noted[0], job_id, reason_of(ask), done.jobs)
        return done.said

    said = ask.desk.act(plan())
    if deed.name == "delete":
        return Done(ask.url("/jobs"), f"Job {job_id} was deleted.")
    return Done(ask.url("/job", id=job_id), said)


def reveal(ask: Ask) -> Shown:
    """Show the job once with its secrets; the audit records who asked before they are shown."""
    job_id = _id(ask)

    def plan() -> Plan[Looked]:
        found = yield from _look(ask.desk, job_id, mask=False)
        yield from ask.noted("reveal secrets", job_id)
        return found

    return shown(ask.desk.act(plan()), is_masked=False)


def _id(ask: Ask) -> str:
    if job_id := ask.form.get("id"):
        return job_id
    raise Refused("The form names no job.", 400)
