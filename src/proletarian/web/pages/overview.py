"""The first page: what works, what is late, what has been failing since when, and a button that helps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from proletarian.drivers.driver import OwnConnection
from proletarian.filters import JobFilter
from proletarian.looking.surveying import failure_groups
from proletarian.looking.surveys import FailureGroup
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Shown
from proletarian.web.survey import Survey, survey
from proletarian.web.wording import ago, number, several, span

LATE = 60.0  # seconds that a due job may wait before it is mentioned
SILENT = 5 * 60.0  # seconds of a run after which its worker is named
GROUPED = 200  # failures that are grouped for the sentences about them
FAILURES = JobFilter(state="failed", since=3600)


@dataclass(frozen=True)
class Matter:
    """Something that needs attention: how bad it is, a sentence, and what helps."""

    kind: str  # bad, warn or note
    sentence: str
    link: str = ""  # a page that shows more
    link_text: str = ""
    action: str = ""  # the address of a form, what it says, and its one field
    button: str = ""
    field: tuple[str, str] = ("", "")


def page(ask: Ask) -> Shown:
    """The overview."""
    seen, groups = ask.desk.look_with(lambda connection: _look(ask, connection))
    return Shown("overview.html", {"survey": seen, "matters": list(matters(ask, seen, groups))}, live=True)


def _look(ask: Ask, connection: OwnConnection) -> Plan[tuple[Survey, list[FailureGroup]]]:
    seen = yield from survey(ask.desk, connection)
    groups: list[FailureGroup] = []
    if seen.failures():
        groups = yield from failure_groups(ask.desk.queue, ask.desk.kind, FAILURES, most=GROUPED)
    return seen, groups


def matters(ask: Ask, seen: Survey, groups: list[FailureGroup]) -> Iterator[Matter]:
    """What needs attention, worst first."""
    waiting = [queue for queue in seen.queues if queue.due]
    unserved = [queue for queue in waiting if not queue.workers and queue.pause is None]
    if not seen.alive and waiting:
        due = sum(int(queue.due) for queue in waiting)
        yield Matter("bad", f"No worker is alive, and {several(due, 'job')} {'is' if due == 1 else 'are'} due.",
                     ask.url("/workers"), "Workers")  # fmt: skip
    else:
        for queue in unserved:
            yield Matter(
                "bad",
                f"No live worker serves {queue.queue}: {several(queue.due, 'job')} due, "
                f"the oldest for {span(queue.late)}.",
                ask.url("/jobs", q=JobFilter(queue=queue.queue, state="waiting")),
                "See why",
            )
    for group in groups[:3]:
        error = f" with {group.error}" if group.error else ""
        yield Matter(
            "bad",
            f"{group.job_type} fails{error}: {number(group.count)} in the last hour, "
            f"the last {ago(group.last_at, seen.now)}.",
            ask.url("/failures", q=replace(group.filter, state=None, since=FAILURES.since)),
            "Failures",
        )
    if len(groups) > 3:
        yield Matter("bad", f"{several(len(groups) - 3, 'more kind')} of failure in the last hour.",
                     ask.url("/failures", q="since:1h"), "Failures")  # fmt: skip
    for queue in seen.queues:
        if queue.pause is not None:
            by = f" by {queue.pause.by}" if queue.pause.by else ""
            why = f": {queue.pause.reason}" if queue.pause.reason else ""
            yield Matter(
                "warn",
                f"{queue.queue} has been paused for {ago(queue.pause.paused_at, seen.now).removesuffix(' ago')}"
                f"{by}{why}. "
                f"{several(queue.waiting, 'job')} waiting.",
                action=ask.url("/queues/resume"),
                button="Resume",
                field=("queue", queue.queue),
            )
        elif queue.workers and queue.late is not None and queue.late > LATE:
            busy = f", and all {several(queue.slots, 'slot')} are busy" if queue.running >= queue.slots else ""
            yield Matter(
                "warn",
                f"{queue.queue} is {span(queue.late)} behind: {several(queue.due, 'job')} due{busy}.",
                ask.url("/jobs", q=JobFilter(queue=queue.queue, state="waiting")),
                "Jobs",
            )
    for worker in seen.dead:
        held = f"; it was running {several(worker.running, 'job')}: another worker takes over" if worker.running else ""
        yield Matter("warn", f"Worker {worker.worker} is not alive{held}.", ask.url("/workers"), "Workers")
