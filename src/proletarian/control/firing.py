"""Schedules as workers run them: what a release declares is stored, and jobs are enqueued for ticks that have come."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import sha256

from proletarian.control.scheduled import as_row, job_of, row_of, timing_of
from proletarian.schedule import Due, Schedule, due
from proletarian.shared import Shared
from proletarian.sql import scheduling, uniqueness
from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import enqueue_many
from proletarian.sql.rows import NewRow
from proletarian.sql.scheduling import StoredSchedule
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import begin, commit

MOST_AT_ONCE = 100  # schedules that are fired in one transaction


@dataclass(frozen=True)
class Firing:
    """What was done about one schedule: a job for each of `due.ticks`, except those for which a unique job existed."""

    row: StoredSchedule
    due: Due
    late: float  # seconds since the latest tick
    kept: int = 0  # ticks for which a unique job existed already

    @property
    def enqueued(self) -> int:
        """How many jobs were enqueued."""
        return len(self.due.ticks) - self.kept


@dataclass(frozen=True)
class Round:
    """The result of a look at the schedules; `beaten`: something was due, but others had taken it."""

    now: datetime
    next_at: datetime | None
    firings: list[Firing] = field(default_factory=list)
    refused: dict[str, Exception] = field(default_factory=dict)
    beaten: bool = False


def declare(
    shared: Shared, database: str, app: str, schedules: Iterable[Schedule]
) -> Plan[tuple[list[str], list[str]]]:
    """
    Store what this release declares, unless another of its workers has just done so.

    Returns the names of the schedules that were added or changed, and of those that were deleted.
    """
    dialect = shared.dialect(database)
    rows = [(as_row(shared, dialect, app, each, declared=True), each.timing.next_after) for each in schedules]
    digest = sha256("".join(sorted(row.digest or "" for row, _ in rows)).encode()).hexdigest()
    if (yield from scheduling.is_said(dialect, app, digest)):
        return [], []
    return (yield from scheduling.declare(dialect, app, digest, rows))


def fire(shared: Shared, database: str, app: str, *, declares: bool, refused: Collection[str]) -> Plan[Round]:
    """
    Enqueue the jobs for all ticks that have come, in the worker's own transaction.

    A schedule whose ticks cannot be computed here (this machine does not know its time zone) is left to others.
    """
    dialect = shared.dialect(database)
    which = scheduling.ours(dialect, app, declares=declares, refused=refused)
    now, next_at = yield from scheduling.next_tick(dialect, which, shared.now())
    if next_at is None or next_at > now:
        return Round(now, next_at)
    yield from begin(dialect)
    rows = yield from scheduling.due(dialect, which, MOST_AT_ONCE, shared.now())
    firings, failed = [], {}
    for row in rows:
        try:
            firings.append(_firing(row, max(now, row.next_at)))
        except Exception as error:  # noqa: BLE001 (rows may have been written by hand, and one must not stop the others)
            failed[row.name] = error
    jobs: dict[datetime, list[NewRow]] = {}
    unique: list[Firing] = []
    for firing in firings:
        if job_of(firing.row).unique is not None:
            unique.append(firing)
            continue
        for tick in firing.due.ticks:
            jobs.setdefault(tick, []).append(row_of(shared, dialect, firing.row, tick)[1])
    for tick, new in sorted(jobs.items()):
        yield from enqueue_many(dialect, new, tick, copy=False)  # as if it were that time: process_at is the tick
    for firing in unique:
        firings.remove(firing)
        try:
            firings.append((yield from _fire_unique(shared, dialect, firing)))
        except _HeldUp as held_up:
            failed[firing.row.name] = held_up.error
            break  # each may wait for a lock: one per round is enough, the others follow in the next
    for firing in firings:
        yield from scheduling.fired(dialect, app, firing.row.name, last_at=firing.due.last, next_at=firing.due.next_at)
    yield from commit(dialect)
    now, next_at = yield from scheduling.next_tick(dialect, which, shared.now())
    return Round(now, next_at, firings, failed, beaten=not rows)


class _HeldUp(Exception):
    """A unique job could not be enqueued; the transaction is as it was before."""

    def __init__(self, error: Exception) -> None:
        self.error = error


def _fire_unique(shared: Shared, dialect: Dialect, firing: Firing) -> Plan[Firing]:
    """
    Enqueue the unique jobs of a schedule's ticks, unless one with the same key exists.

    An application's open transaction may hold the key, and our patience with locks is short. Then this schedule is
    left for later, and the others are fired all the same.
    """
    yield dialect.say("scheduling.savepoint")
    kept = 0
    try:
        for tick in firing.due.ticks:
            asked = uniqueness.unique_row(*row_of(shared, dialect, firing.row, tick))
            [there] = yield from uniqueness.enqueue_unique(dialect, [asked], tick, alone=False, wake=True)
            kept += not there.created
    except Exception as error:  # (drivers share no parent class)
        yield dialect.say("scheduling.undo")
        raise _HeldUp(error) from error
    yield dialect.say("scheduling.release")
    return Firing(firing.row, firing.due, firing.late, kept)


def _firing(row: StoredSchedule, now: datetime) -> Firing:
    found = due(timing_of(row), row.missed, row.next_at, now)
    return Firing(row, found, (now - found.last).total_seconds())
