"""What people and applications do to schedules, on their own connections, in their own transactions."""

from __future__ import annotations

import json
from enum import Enum
from typing import Any

from msgspec.structs import replace

from proletarian.control.scheduled import as_row, job_of, row_of, timing_of
from proletarian.errors import ConfigurationError, UnknownSchedule
from proletarian.looking.records import masked, unmasked
from proletarian.schedule import Missed, Schedule, ScheduleRecord, schedule
from proletarian.shared import Shared
from proletarian.sql import scheduling, uniqueness
from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import enqueue
from proletarian.sql.scheduling import ScheduleRow, StoredSchedule
from proletarian.sql.statements import Plan
from proletarian.times.durations import Duration
from proletarian.unique import Unique

MOST_IN_A_PAGE = 1000


def put(shared: Shared, database: str, app: str, made: Schedule) -> Plan[None]:
    """Create a schedule at run time, or change it."""
    dialect = shared.dialect(database)
    row = as_row(shared, dialect, app, made, declared=False)
    old = yield from scheduling.one(dialect, app, made.name)
    if old is not None:
        _require_made_at_run_time(old)
    yield from _store(shared, dialect, row, made, old)


def _store(
    shared: Shared, dialect: Dialect, row: ScheduleRow, made: Schedule, old: StoredSchedule | None
) -> Plan[None]:
    """Store a schedule; if its timing does not change, it goes on from where it was."""
    now = yield from scheduling.clock(dialect, shared.now())
    start = now if old is None or old.last_at is None else max(now, old.last_at)
    retimed = old is None or not old.ticks_as(row)
    yield from scheduling.put(dialect, row, made.timing.next_after(start), retimed=retimed)


def _require_made_at_run_time(old: StoredSchedule) -> None:
    if old.digest is not None:
        raise ConfigurationError(
            f"the schedule {old.name!r} is declared in code: change it there (it can be paused and resumed)"
        )


class Kept(Enum):
    """Passed instead of a payload to keep the stored one."""

    as_it_is = "as it is"


def change(
    shared: Shared,
    database: str,
    app: str,
    name: str,
    when: str | Duration,
    *,
    tz: str | None,
    missed: Missed,
    payload: Any = Kept.as_it_is,
) -> Plan[None]:
    """
    Change the timing and the payload of a schedule that was made at run time; everything else stays.

    Secrets that are masked in the payload keep their values. Raises `ConfigurationError` for invalid values, a schedule
    that is declared in code, and a payload from which a unique key or a lane was made; `UnknownSchedule`.
    """
    dialect = shared.dialect(database)
    old = yield from _known(dialect, app, name)
    _require_made_at_run_time(old)
    job = job_of(old)
    if payload is not Kept.as_it_is:
        if ":" in (job.lane or "") or (isinstance(job.unique, Unique) and job.unique.names):
            raise ConfigurationError(
                f"the jobs of the schedule {name!r} have a lane or a unique key that was made of their payload: change "
                "it where it was made, by set_schedule with a job of the task"
            )
        job = replace(job, payload=unmasked(payload, shared.serializer.decode(old.payload)))
    made = schedule(when, job, name=name, tz=tz, missed=missed)
    row = as_row(shared, dialect, app, made, declared=False)
    if payload is Kept.as_it_is:
        row = replace(row, payload=old.payload)
    yield from _store(shared, dialect, row, made, old)


def pause(shared: Shared, database: str, app: str, name: str) -> Plan[None]:
    """Stop firing it."""
    dialect = shared.dialect(database)
    yield from _known(dialect, app, name)
    yield from scheduling.pause(dialect, app, name, shared.now())


def resume(shared: Shared, database: str, app: str, name: str) -> Plan[None]:
    """Go on with the next tick from now; ticks that came during the pause are not made up for."""
    dialect = shared.dialect(database)
    row = yield from _known(dialect, app, name)
    if row.paused_at is not None:
        now = yield from scheduling.clock(dialect, shared.now())
        start = now if row.last_at is None else max(now, row.last_at)
        yield from scheduling.resume(dialect, app, name, timing_of(row).next_after(start))


def run(shared: Shared, database: str, app: str, name: str) -> Plan[Any]:
    """Enqueue its job now, in addition to its ticks; returns the job id as stored."""
    dialect = shared.dialect(database)
    row = yield from _known(dialect, app, name)
    now = yield from scheduling.clock(dialect, shared.now())
    job, new = row_of(shared, dialect, row, now)
    if job.unique is None:
        return dialect.loaded_id((yield from enqueue(dialect, new, shared.now())))
    asked = [uniqueness.unique_row(job, new)]
    [there] = yield from uniqueness.enqueue_unique(dialect, asked, shared.now(), alone=None, wake=True)
    return dialect.loaded_id(there.job_id)


def delete(shared: Shared, database: str, app: str, name: str) -> Plan[None]:
    """Delete it."""
    dialect = shared.dialect(database)
    yield from _known(dialect, app, name)
    yield from scheduling.delete(dialect, app, name)


def find(shared: Shared, database: str, app: str, *, after: str, limit: int) -> Plan[list[ScheduleRecord]]:
    """The schedules of an application, by name."""
    if not 1 <= limit <= MOST_IN_A_PAGE:
        raise ConfigurationError(f"limit is a number of schedules from 1 to {MOST_IN_A_PAGE}, not {limit!r}")
    rows = yield from scheduling.page(shared.dialect(database), app, after, limit)
    return [_record(shared, row) for row in rows]


def see(shared: Shared, database: str, app: str, name: str) -> Plan[ScheduleRecord]:
    """One schedule."""
    return _record(shared, (yield from _known(shared.dialect(database), app, name)))


def _known(dialect: Dialect, app: str, name: str) -> Plan[StoredSchedule]:
    row = yield from scheduling.one(dialect, app, name)
    if row is None:
        whose = f"the application {app!r}" if app else "this application (it has no name: see app=)"
        raise UnknownSchedule(f"no schedule of {whose} is named {name!r}")
    return row


def _record(shared: Shared, row: StoredSchedule) -> ScheduleRecord:
    try:
        payload = masked(shared.serializer.decode(row.payload))
    except Exception:  # noqa: BLE001 (a serializer of the application's: whoever looks has to see the rest)
        payload = None
    return ScheduleRecord(
        name=row.name, app=row.app, cron=row.cron, every=timing_of(row).every, tz=row.tz, missed=row.missed,
        job_type=row.job_type, queue=row.queue, payload=payload, options=json.loads(row.options),
        declared=row.digest is not None, next_at=row.next_at, last_at=row.last_at, paused_at=row.paused_at,
    )  # fmt: skip
