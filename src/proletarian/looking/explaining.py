"""Records of jobs that wait, with the reason why: a few bounded statements for a whole page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from proletarian.limit import name_of
from proletarian.looking.reasons import Serving, why_due, why_expired, why_limited, why_not_due, why_paused
from proletarian.looking.records import JobRecord, Why
from proletarian.sql import finding, waiting
from proletarian.sql.dialect import Dialect
from proletarian.sql.limiting import LimitRecord
from proletarian.sql.limiting import limits as limits_in_force
from proletarian.sql.pausing import Pause, pauses
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan
from proletarian.times.expiry import deadline, is_expired


def explained(
    dialect: Dialect, now: datetime | None, records: Sequence[JobRecord], *, count_ahead: bool
) -> Plan[list[JobRecord]]:
    """The same records, where scheduled and waiting ones say why they do not run."""
    paused: dict[str, Pause] = {}
    workers: list[Serving] = []
    if any(record.state == "waiting" for record in records):
        paused = {pause.queue: pause for pause in (yield from pauses(dialect))}
        workers = [Serving(*row) for row in (yield from waiting.workers(dialect))]
    limits: dict[str, LimitRecord] = {}
    if any(record.state == "waiting" and record.lane for record in records):
        limits = {limit.name: limit for limit in (yield from limits_in_force(dialect))}
    found = []
    for record in records:
        why: Why | None = None
        if record.state == "scheduled" and record.process_at is not None:
            why = why_not_due(record.process_at, record.errors)
        elif record.state == "waiting" and (pause := paused.get(record.queue)):
            why = why_paused(pause.queue, pause.by, pause.reason, pause.paused_at)
        elif record.state == "waiting" and (until := (yield from _expired(dialect, now, record))):
            why = why_expired(until)
        elif record.state == "waiting":
            ahead = None
            if count_ahead and record.process_at is not None:
                ahead = yield from waiting.ahead(
                    dialect, record.queue, record.lane or "", record.priority, record.process_at, now
                )
            why = why_due(record.queue, record.job_type, workers, ahead, waiting.MOST_AHEAD)
            if record.lane and why.code in ("behind", "next"):
                why = (yield from _limited(dialect, now, record, limits)) or why
        found.append(replace(record, why=why))
    return found


def _expired(dialect: Dialect, now: datetime | None, record: JobRecord) -> Plan[datetime | None]:
    """The time by which a job that has never started should have started, if it has passed."""
    until = deadline(record.headers, record.enqueued_at)
    if until is None or record.attempts or record.lost:
        return None
    return until if is_expired(until, record.process_at, (yield from finding.time(dialect, now))) else None


def _limited(
    dialect: Dialect, now: datetime | None, record: JobRecord, limits: Mapping[str, LimitRecord]
) -> Plan[Why | None]:
    """Whether the job waits for a limit, and which jobs run under it."""
    lane = record.lane or ""
    limit = limits.get(name_of(lane))
    if limit is None:
        return Why("unknown_limit", f"no live worker knows the limit {name_of(lane)!r} of its lane {lane!r}")
    rows = yield from waiting.holders(dialect, lane)
    count = int(rows[0][2]) if rows else 0
    holders = [
        f"job {dialect.loaded_id(row[0])} on {as_text(row[1]) or 'a worker that no longer exists'}" for row in rows
    ]
    waits = (yield from waiting.rate_waits(dialect, lane, now)) if limit.rate is not None else 0.0
    head: str | None = None
    if limit.ordered and (first := (yield from waiting.head(dialect, record.queue, lane, now))) is not None:
        head = f"job {dialect.loaded_id(first[0])}" if (first[1] or 0) > 0 else None
    return why_limited(lane, limit.running, count, holders, waits, head)
