"""
What happened to runs that an acknowledgement did not find: had an earlier attempt succeeded, or was it too late?

After a lost answer this is unknown. The row tells: which worker archived it and how, or which errors it has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from proletarian.outcomes import Outcome
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.sql.statements import Plan


class Fate(NamedTuple):
    """Where a job is now, and what its row says."""

    place: str  # waiting, running or archived
    attempts: int
    lost: int
    errors: str | None = None
    worker: str | None = None  # who archived it
    status: str | None = None


def written(dialect: Dialect, worker: str, ended: Sequence[tuple[Claimed, Outcome]]) -> Plan[set[int]]:
    """The run ids of those whose outcome is in the database as `worker` reported it; the others ended otherwise."""
    by_id = {outcome.new_id or row.job_id: (row, outcome) for row, outcome in ended}
    rows = yield dialect.say("fates.fates", job_ids=dialect.listed(by_id))
    fates: dict[Any, Fate] = {dialect.loaded_id(job_id): Fate(*said) for job_id, *said in rows}
    return {
        row.run_id
        for job_id, (row, outcome) in by_id.items()
        if says(fates.get(dialect.loaded_id(job_id)), outcome, worker)
    }


def says(fate: Fate | None, outcome: Outcome, worker: str) -> bool:
    """
    Whether a row shows that this worker wrote this outcome.

    A job that was put back may have been claimed again, and may even have ended: the errors that it got stay in its
    row. If it got none, its counts identify it, as long as it waits.

    >>> done = Outcome("job.succeeded", "success", attempts=1)
    >>> says(Fate("archived", 1, 0, None, "vm:7", "success"), done, "vm:7")
    True
    >>> says(Fate("archived", 1, 1, None, "vm:8", "success"), done, "vm:7"), says(None, done, "vm:7")
    (False, False)
    >>> retry = Outcome("job.retrying", attempts=1, errors='[{"at": "10:00"}]')
    >>> says(Fate("archived", 2, 0, '[{"at": "10:00"}, {"at": "10:05"}]', "vm:8", "failure"), retry, "vm:7")
    True
    """
    if fate is None:
        return False
    if outcome.status is not None:
        found = fate.place, fate.worker, fate.status, fate.attempts
        return found == ("archived", worker, outcome.status, outcome.attempts)
    if outcome.errors:
        return (fate.errors or "").startswith(outcome.errors.removesuffix("]"))
    return (fate.place, fate.attempts, fate.lost) == ("waiting", outcome.attempts, outcome.lost)
