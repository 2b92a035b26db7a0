"""Turns a schedule into a row, and its row into the jobs of its ticks."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec
from msgspec.structs import replace

from proletarian.errors import PayloadError
from proletarian.job import NewJob
from proletarian.schedule import Schedule, options_of
from proletarian.serializers import JsonSerializer
from proletarian.shared import Shared
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import NewRow
from proletarian.sql.scheduling import ScheduleRow, StoredSchedule
from proletarian.times.ticks import Timing

NAME, TICK = "schedule", "schedule_tick"  # the headers of a job that a schedule has enqueued


def as_row(shared: Shared, dialect: Dialect, app: str, schedule: Schedule, *, declared: bool) -> ScheduleRow:
    """A schedule encoded for its row; raises what an enqueue of its job would raise."""
    new = shared.row(schedule.job, dialect)
    timing = schedule.timing
    every = None if timing.every is None else timing.every.total_seconds()
    options = msgspec.json.encode(options_of(schedule.job), order="sorted").decode()
    when = timing.cron, every, timing.tz, schedule.missed
    row = ScheduleRow(app, schedule.name, *when, new.job_type, new.queue, new.payload, options)
    return replace(row, digest=_digest(row, _plain(schedule.job))) if declared else row


def _plain(job: NewJob) -> str | None:
    """A payload as text that is the same in every process; encrypted text differs each time."""
    try:
        return JsonSerializer().encode(job.payload)
    except PayloadError:
        return None


def _digest(row: ScheduleRow, plain: str | None) -> str:
    payload = row.payload if plain is None else plain
    return sha256(json.dumps(msgspec.structs.astuple(replace(row, payload=payload))).encode()).hexdigest()


def timing_of(row: StoredSchedule) -> Timing:
    """When it ticks."""
    return Timing(row.cron, None if row.every is None else timedelta(seconds=row.every), row.tz)


def job_of(row: StoredSchedule) -> NewJob:
    """Its job, without the payload."""
    return msgspec.convert({**json.loads(row.options), "job_type": row.job_type, "queue": row.queue}, NewJob)


def row_of(shared: Shared, dialect: Dialect, row: StoredSchedule, tick: datetime) -> tuple[NewJob, NewRow]:
    """The job of a tick; its payload stays as it was encoded when the schedule was stored."""
    job = job_of(row)
    job = replace(job, headers={**(job.headers or {}), NAME: row.name, TICK: tick.isoformat()})
    return job, replace(shared.row(job, dialect), payload=row.payload)
