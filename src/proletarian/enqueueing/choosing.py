"""
Enqueues as plans: one job, many jobs, and unique ones.

The options of a job decide which statements of `sql/enqueueing.py` and `sql/uniqueness.py` are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proletarian.drivers.door import Door
from proletarian.errors import AlreadyEnqueued, JobIdTaken
from proletarian.job import NewJob
from proletarian.shared import Shared
from proletarian.sql import enqueueing, uniqueness
from proletarian.sql.dialect import Dialect
from proletarian.sql.namesakes import is_taken
from proletarian.sql.rows import NewRow
from proletarian.sql.statements import Plan


def enqueue_one(shared: Shared, door: Door, job: NewJob) -> Plan[Any]:
    """Enqueue one job; returns its id as the database loads it."""
    dialect = shared.dialect(door.database)
    row = shared.row(job, dialect)
    if job.unique is not None:
        [job_id] = yield from _unique(shared, door, dialect, [job], [row])
        return job_id
    if job.after:
        [job_id] = yield from _waiting(shared, door, dialect, [job], [row])
        return job_id
    # Spelled out, because each enqueue passes here: PostgreSQL does not prepare a transaction that has notified.
    if not shared.notifies or ((asks := door.driver.is_two_phase) is not None and asks(door.connection)):
        [job_id] = yield from _plain(shared, door, dialect, [job], [row])
        return job_id
    try:
        stored = yield from enqueueing.enqueue(dialect, row, shared.now())
    except Exception as error:
        require_free_ids([job], error)
        raise
    return dialect.loaded_id(stored)


def enqueue_all(shared: Shared, door: Door, jobs: Sequence[NewJob]) -> Plan[list[Any]]:
    """Enqueue many jobs; returns their ids in order."""
    if not jobs:
        return []
    dialect = shared.dialect(door.database)
    # In one loop: many jobs are looked at, and usually none has any of these.
    special = [job for job in jobs if job.unique is not None or job.after or job.lane]
    if any(job.unique is not None or job.after for job in special):
        return (yield from _mixed(shared, door, dialect, jobs))
    rows = (shared.row(job, dialect) for job in jobs)
    return (yield from _plain(shared, door, dialect, jobs, rows, lanes=bool(special)))


def _plain(
    shared: Shared, door: Door, dialect: Dialect, jobs: Sequence[NewJob], rows: Iterable[NewRow], *, lanes: bool = True
) -> Plan[list[Any]]:
    try:
        stored = yield from enqueueing.enqueue_many(
            dialect, rows, shared.now(), copy=door.driver.copies, wake=_wakes(shared, door), lanes=lanes
        )
    except Exception as error:
        require_free_ids(jobs, error)
        raise
    return [dialect.loaded_id(job_id) for job_id in stored]


def _wakes(shared: Shared, door: Door) -> bool:
    """Whether an enqueue may notify: PostgreSQL refuses to prepare a transaction that has notified."""
    return shared.notifies and not (door.driver.is_two_phase and door.driver.is_two_phase(door.connection))


def _mixed(shared: Shared, door: Door, dialect: Dialect, jobs: Sequence[NewJob]) -> Plan[list[Any]]:
    """
    Enqueue the unique jobs, which may be refused, and then the others; returns the ids in the order of the jobs.

    If some of the others wait for jobs, all of the others are enqueued together.
    """
    others = _waiting if any(job.after for job in jobs) else _plain
    rows = [shared.row(job, dialect) for job in jobs]
    job_ids: dict[int, Any] = {}
    for is_unique, plan in ((True, _unique), (False, others)):
        places = [place for place, job in enumerate(jobs) if (job.unique is not None) is is_unique]
        if places:
            found = yield from plan(shared, door, dialect, [jobs[at] for at in places], [rows[at] for at in places])
            job_ids.update(zip(places, found, strict=True))
    return [job_ids[at] for at in range(len(jobs))]


def _unique(
    shared: Shared, door: Door, dialect: Dialect, jobs: Sequence[NewJob], rows: Sequence[NewRow]
) -> Plan[list[Any]]:
    try:
        kept = yield from uniqueness.enqueue_unique(
            dialect,
            [uniqueness.unique_row(job, row) for job, row in zip(jobs, rows, strict=True)],
            shared.now(),
            alone=door.driver.is_alone(door.connection),
            wake=_wakes(shared, door),
            copy=door.driver.copies,
        )
    except AlreadyEnqueued as error:
        raise AlreadyEnqueued(shared.job_ids.decode(dialect.loaded_id(error.job_id)), error.key) from None
    except Exception as error:
        require_free_ids(jobs, error)
        raise
    return [dialect.loaded_id(there.job_id) for there in kept]


def _waiting(
    shared: Shared, door: Door, dialect: Dialect, jobs: Sequence[NewJob], rows: Sequence[NewRow]
) -> Plan[list[Any]]:
    from proletarian.enqueueing.flowing import enqueue_waiting  # imported on first use: most applications have none

    try:
        return (yield from enqueue_waiting(shared, door, dialect, jobs, rows, wake=_wakes(shared, door)))
    except Exception as error:
        require_free_ids(jobs, error)
        raise


def require_free_ids(jobs: Sequence[NewJob], error: Exception) -> None:
    """Raise `JobIdTaken` if the error means that an id that the application passed already exists."""
    given = [job.job_id for job in jobs if job.job_id is not None]
    if given and is_taken(error):
        shown = ", ".join(map(str, given[:3])) + (", …" if len(given) > 3 else "")
        raise JobIdTaken(f"another waiting job has the id that was given to this one ({shown})") from error
