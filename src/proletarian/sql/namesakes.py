"""
Two jobs with the same id: the one that is in the way keeps it, the other one gets a new id.

An id cannot be waiting twice or archived twice, and no job may get lost. So if the id of a run is already taken in the
table that its outcome moves it to, it gets a new id before it is settled, and its row says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from proletarian.errors import JobIdTaken
from proletarian.ids import spare
from proletarian.kept_errors import with_error
from proletarian.outcomes import Outcome
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.sql.settling import as_parameter
from proletarian.sql.statements import Plan

UNIQUE = ("23505", 1062)  # PostgreSQL's and MySQL's codes for a duplicate id


def told_apart(
    dialect: Dialect, worker_id: Any, worker: str, ended: Sequence[tuple[Claimed, Outcome]], now: datetime | None
) -> Plan[list[Outcome]]:
    """Before runs are settled, replace ids that another job has; returns their outcomes, with the new ids noted."""
    there = yield from _taken(dialect, worker_id, [row.run_id for row, _ in ended])
    outcomes = []
    met: set[tuple[bool, Any]] = set()
    for row, outcome in ended:
        ends = outcome.status is not None
        archived, waiting = there.get(row.run_id, (False, False))
        if (archived if ends else waiting) or (ends, row.job_id) in met:
            new_id = dialect.stored_id(spare(dialect.kind))
            yield dialect.say("namesakes.rename", worker_id=worker_id, run_id=row.run_id, job_id=new_id)
            outcome = _renamed(dialect, row, outcome, new_id, worker, now or datetime.now(UTC))
        met.add((ends, row.job_id))
        outcomes.append(outcome)
    return outcomes


def _taken(dialect: Dialect, worker_id: Any, run_ids: Iterable[int]) -> Plan[dict[int, tuple[bool, bool]]]:
    """Those of these runs whose id another job has as well: whether an archived one has it, and a waiting one."""
    rows = yield dialect.say("namesakes.taken", worker_id=worker_id, run_ids=as_parameter(dialect, run_ids))
    return {run_id: (bool(archived), bool(waiting)) for run_id, archived, waiting in rows}


def _renamed(dialect: Dialect, row: Claimed, outcome: Outcome, new_id: Any, worker: str, at: datetime) -> Outcome:
    shown = dialect.loaded_id(new_id)
    where = "archived" if outcome.status is not None else "waiting"
    note = JobIdTaken(
        f"the id {dialect.loaded_id(row.job_id)} was given to two jobs, and the other one is {where}: this job "
        f"continues as {shown}"
    )
    errors = with_error(outcome.errors or row.errors, note, attempt=row.attempts + 1, worker=worker, at=at)
    return replace(outcome, errors=errors, new_id=shown)


def is_taken(error: BaseException) -> bool:
    """Whether a driver says that an id already exists; SQLAlchemy's and Django's errors hold the driver's own."""
    if (inner := getattr(error, "orig", None) or error.__cause__) is not None and is_taken(inner):
        return True
    said = (
        getattr(error, "sqlstate", None), getattr(error, "pgcode", None), getattr(error, "errno", None),
        *error.args[:1],
    )  # fmt: skip
    return any(number in said for number in UNIQUE) or "UNIQUE constraint failed" in str(error)
