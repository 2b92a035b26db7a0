"""
What people do to jobs by hand: which jobs are selected, in what batches, and what happened to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from proletarian.errors import ConfigurationError, FilterError, WrongState
from proletarian.filters import JobFilter
from proletarian.job import A_NAME, Options, is_name
from proletarian.looking.seeing import as_filter, as_stored, test_of, wanted_by
from proletarian.shared import Shared
from proletarian.sql import finding, moving, pausing
from proletarian.sql.columns import SHOWN
from proletarian.sql.dialect import Dialect
from proletarian.sql.orders import Request
from proletarian.sql.statements import Plan
from proletarian.times.moments import EARLIEST

BATCH = 500  # jobs in one statement
UNFINISHED = ("scheduled", "waiting", "held", "running")
ENDED = ("succeeded", "failed", "cancelled")

# Which states each action applies to, and which it defaults to if a filter names none.
POSSIBLE = {
    "cancel": UNFINISHED,
    "retry": ENDED,
    "reschedule": ("scheduled", "waiting"),
    "delete": ("scheduled", "waiting", "held", *ENDED),
}
MEANT = {**POSSIBLE, "retry": ("failed", "cancelled")}

JOB_ID = SHOWN.index("job_id")

Which = Any  # a job id, a JobFilter, or the text of one


class Cancelled(NamedTuple):
    """
    What happened to the jobs that were to be cancelled: how many of each.

    `waiting`: they were waiting, and are now archived. `asked`: they are running, and were asked to stop. `ended`: they
    had already ended. `unknown`: there is no such job.

    >>> Cancelled(asked=1)
    Cancelled(waiting=0, asked=1, ended=0, unknown=0)
    """

    waiting: int = 0
    asked: int = 0
    ended: int = 0
    unknown: int = 0


def cancel(shared: Shared, database: str, which: Which, *, reason: str, by: str) -> Plan[Cancelled]:
    """Cancel jobs."""
    reason, by = _checked_text("reason", reason), _checked_text("by", by)
    dialect, total = shared.dialect(database), Cancelled()
    batches = _batches(shared, dialect, which, "cancel")
    while (job_ids := (yield from batches.next())) is not None:
        done = yield from _cancel(dialect, job_ids, Request(reason, by), shared.now())
        total = Cancelled(*map(sum, zip(total, done, strict=True)))
    return total if batches.one is not None else total._replace(ended=0, unknown=0)


def _cancel(dialect: Dialect, job_ids: Sequence[Any], request: Request, now: datetime | None) -> Plan[Cancelled]:
    found = yield from moving.places(dialect, job_ids)
    at = {job_id: found.get(dialect.loaded_id(job_id)) for job_id in job_ids}
    waiting = [job_id for job_id, place in at.items() if place == "waiting"]
    archived = yield from moving.cancel_waiting(dialect, dict.fromkeys(waiting, request), now)
    gone = {dialect.loaded_id(row[0]) for row in archived}
    if held := [job_id for job_id, place in at.items() if place == "held"]:
        gone |= {dialect.loaded_id(job_id) for job_id in (yield from moving.cancel_held(dialect, held, request, now))}
        waiting += held
    # A job that waited a moment ago has just been claimed, or cancelled by somebody else. (An older snapshot
    # shows it as it was; then its worker is asked, and if none runs it, the request is cleared away.)
    slipped = [job_id for job_id in waiting if dialect.loaded_id(job_id) not in gone]
    if slipped:
        found = yield from moving.places(dialect, slipped)
        at |= {job_id: found.get(dialect.loaded_id(job_id), "running") for job_id in slipped}
    running = [
        job_id for job_id, place in at.items() if place == "running" or (place == "waiting" and job_id in slipped)
    ]
    if running:
        yield from moving.request(dialect, running, request.reason, request.by)
    places = list(at.values())
    return Cancelled(len(gone), len(running), places.count("archived"), places.count(None))


def retry(shared: Shared, database: str, which: Which, *, fresh: bool) -> Plan[int]:
    """Run archived jobs again."""
    dialect = shared.dialect(database)
    batches = _batches(shared, dialect, which, "retry")
    do = partial(moving.retry, dialect, now=shared.now(), fresh=fresh)
    return (yield from _done(dialect, batches, do, "only a job that has ended can be retried"))


def reschedule(
    shared: Shared, database: str, which: Which, *, process_at: Any, process_in: Any, priority: Any
) -> Plan[int]:
    """Change when waiting jobs run."""
    given = Options(process_at=process_at, process_in=process_in, priority=priority)
    if (process_at, process_in, priority) == (None, None, None):
        raise ConfigurationError("reschedule takes process_at, process_in or priority, or several of them")
    dialect = shared.dialect(database)
    batches = _batches(shared, dialect, which, "reschedule")
    at = None if given.process_at is None else max(given.process_at, EARLIEST)
    do = partial(
        moving.reschedule, dialect, now=shared.now(), process_at=at, delay=given.delay, priority=given.priority
    )
    return (yield from _done(dialect, batches, do, "only a waiting job can be rescheduled"))


def delete_jobs(shared: Shared, database: str, which: Which) -> Plan[int]:
    """Delete waiting and archived jobs."""
    dialect = shared.dialect(database)
    batches = _batches(shared, dialect, which, "delete")
    return (yield from _done(dialect, batches, partial(moving.delete, dialect), "a running job cannot be deleted"))


def pause(shared: Shared, database: str, queue: str, *, reason: str, by: str) -> Plan[None]:
    """Pause a queue."""
    said = _checked_text("reason", reason), _checked_text("by", by)
    yield from pausing.pause(shared.dialect(database), _checked_queue(queue), *said)


def resume(shared: Shared, database: str, queue: str) -> Plan[bool]:
    """End a pause."""
    return (yield from pausing.resume(shared.dialect(database), _checked_queue(queue)))


def pauses(shared: Shared, database: str) -> Plan[list[pausing.Pause]]:
    """The queues that are paused."""
    return (yield from pausing.pauses(shared.dialect(database)))


class _batches:
    """The selected jobs, in batches of stored ids."""

    def __init__(self, shared: Shared, dialect: Dialect, which: Which, act: str) -> None:
        self.one: Any = None  # the id, if a single job was given
        self._shared, self._dialect = shared, dialect
        self._below: Any = None
        self._is_over = False
        if isinstance(which, JobFilter) or (isinstance(which, str) and ":" in which and dialect.kind != "text"):
            self._filter = meant(as_filter(which), act)
        else:
            self.one = as_stored(shared, dialect, which)
        self.which = which

    def next(self) -> Plan[Sequence[Any] | None]:
        """The next batch; None after the last."""
        if self._is_over:
            return None
        if self.one is not None:
            self._is_over = True
            return [self.one]
        wanted = yield from wanted_by(self._shared, self._dialect, self._filter)
        test = test_of(self._shared, self._dialect, self._filter)
        found = yield from finding.page(wanted, BATCH, self._below, self._shared.now(), test)
        self._below, self._is_over = found.below, found.below is None
        return [finding.id_of(self._dialect, row[JOB_ID]) for row in found.rows]


def meant(which: JobFilter, act: str) -> JobFilter:
    """
    The jobs to act on, as a filter that names their states.

    Raises `FilterError` for a filter that matches every job, and for states that the action does not apply to.

    >>> print(meant(JobFilter(queue="mail"), "retry"))
    queue:mail state:failed,cancelled
    """
    possible = POSSIBLE[act]
    if not which:
        raise FilterError("this filter matches every job; write queue:* if you mean all of them")
    if which.state is None:
        return replace(which, state=MEANT[act])
    if impossible := [state for state in which.state if state not in possible]:
        raise FilterError(f"this cannot be done to jobs that are {impossible[0]}; states: {', '.join(possible)}")
    return which


def _done(
    dialect: Dialect, batches: _batches, do: Callable[[Sequence[Any]], Plan[list[Any]]], otherwise: str
) -> Plan[int]:
    count = 0
    while (job_ids := (yield from batches.next())) is not None:
        if job_ids:
            count += len((yield from do(job_ids)))
    if batches.one is not None and not count:
        places = yield from moving.places(dialect, [batches.one])
        place = next(iter(places.values()), None)
        state = f"is {place}" if place else "does not exist"
        raise WrongState(f"job {batches.which} {state}: {otherwise}")
    return count


def _checked_queue(queue: str) -> str:
    if not is_name(queue):
        raise ConfigurationError(f"queue is {A_NAME}, not {queue!r}")
    return queue


def _checked_text(name: str, text: object) -> str:
    if not isinstance(text, str):
        raise ConfigurationError(f"{name} is a text, not {text!r}")
    return text.replace("\0", "")
