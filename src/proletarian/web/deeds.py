"""What can be done to jobs, on the page of one job and to all that match a filter: plans, and their wording."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from proletarian.control.steering import cancel, delete_jobs, reschedule, retry
from proletarian.filters import JobFilter
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask

Which = JobFilter | str  # a filter, or the id of one job

ENDED = ("succeeded", "failed", "cancelled")
WAITING = ("scheduled", "waiting", "held")


class Changed(NamedTuple):
    """How many jobs were changed, and what to say if it was about one."""

    jobs: int
    said: str


@dataclass(frozen=True)
class Deed:
    """One of the things that can be done."""

    name: str
    title: str
    button: str
    past: str
    noted: tuple[str, str]  # what the audit calls it: of one job, of several
    states: tuple[str, ...]  # the states of jobs that allow it
    default: tuple[str, ...]  # the default if the filter names none
    do: Callable[[Ask, Which], Plan[Changed]]


def reason_of(ask: Ask) -> str:
    """The reason, if one was given."""
    return ask.form.get("reason", "").strip()


def _retry(ask: Ask, which: Which) -> Plan[Changed]:
    jobs = yield from retry(ask.desk.queue, ask.desk.kind, which, fresh=False)
    return Changed(jobs, "It is waiting again, due now.")


def _cancel(ask: Ask, which: Which) -> Plan[Changed]:
    done = yield from cancel(ask.desk.queue, ask.desk.kind, which, reason=reason_of(ask), by=ask.visitor.name)
    if done.waiting:
        said = "Cancelled: it will not run."
    else:
        said = "Its worker has been asked to stop it." if done.asked else "Nothing to cancel: it had already ended."
    return Changed(done.waiting + done.asked, said)


def _run(ask: Ask, which: Which) -> Plan[Changed]:
    jobs = yield from reschedule(ask.desk.queue, ask.desk.kind, which, process_at=None, process_in=0, priority=None)
    return Changed(jobs, "It is due now.")


def _delete(ask: Ask, which: Which) -> Plan[Changed]:
    jobs = yield from delete_jobs(ask.desk.queue, ask.desk.kind, which)
    return Changed(jobs, "Deleted.")


DEEDS = {
    deed.name: deed
    for deed in (
        Deed("retry", "Retry jobs", "Retry", "retried", ("retry job", "retry jobs"),
             ENDED, ("failed", "cancelled"), _retry),
        Deed("cancel", "Cancel jobs", "Cancel", "cancelled, or asked to stop", ("cancel job", "cancel jobs"),
             (*WAITING, "running"), (*WAITING, "running"), _cancel),
        Deed("run", "Run jobs now", "Run now", "due now", ("run job now", "run jobs"),
             ("scheduled", "waiting"), ("scheduled",), _run),
        Deed("delete", "Delete jobs", "Delete", "deleted", ("delete job", "delete jobs"),
             (*WAITING, *ENDED), (*WAITING, *ENDED), _delete),
    )
}  # fmt: skip
