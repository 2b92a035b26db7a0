"""Schedules as rows: which are due, what happens to them, and which release's declarations apply."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from msgspec.structs import asdict

from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import EPOCH
from proletarian.sql.rows import as_text, dump
from proletarian.sql.statements import Plan, Row, Statement
from proletarian.sql.transactions import begin, commit

NextAfter = Callable[[datetime], datetime]


class ScheduleRow(msgspec.Struct, frozen=True):
    """
    A schedule as it is declared: `options` are those of its job that have no column, as JSON.

    `digest` is the digest of what the code declares; None if the schedule was created at run time.
    """

    app: str
    name: str
    cron: str | None
    every: float | None
    tz: str
    missed: str
    job_type: str
    queue: str
    payload: str
    options: str
    digest: str | None = None

    def ticks_as(self, other: ScheduleRow) -> bool:
        """Whether both tick at the same times."""
        return (self.cron, self.every, self.tz) == (other.cron, other.every, other.tz)


class StoredSchedule(ScheduleRow, frozen=True, kw_only=True):
    """A schedule as it is stored: with its next tick, the last tick fired, and since when it has been paused."""

    next_at: datetime
    last_at: datetime | None
    paused_at: datetime | None


def _say(dialect: Dialect, block: str, /, **parameters: Any) -> Statement:
    return Statement(dialect.sql[f"scheduling.{block}"], dialect.stored_new(parameters))


def _moment(dialect: Dialect, stored: Any) -> datetime:
    """An instant, from microseconds since 1970 or from text."""
    return dialect.loaded_time(stored) if isinstance(stored, str) else EPOCH + timedelta(microseconds=int(stored))


def _stored(dialect: Dialect, row: Row) -> StoredSchedule:
    texts = [as_text(value) for value in (*row[:3], *row[4:11])]
    app, name, cron, tz, missed, job_type, queue, payload, options, digest = texts
    every = None if row[3] is None else float(row[3])
    next_at, last_at, paused_at = (None if value is None else _moment(dialect, value) for value in row[11:])
    values = (app, name, cron, every, tz, missed, job_type, queue, payload, options, digest)
    return StoredSchedule(*values, next_at=next_at, last_at=last_at, paused_at=paused_at)  # type: ignore[arg-type]


def clock(dialect: Dialect, now: datetime | None) -> Plan[datetime]:
    """The database's time, unless the application has a clock of its own."""
    [(stored,)] = yield _say(dialect, "time", now=dialect.stored_time(now))
    return _moment(dialect, stored)


def ours(dialect: Dialect, app: str, *, declares: bool, refused: Collection[str]) -> Mapping[str, Any]:
    """
    Which schedules a worker may fire: those of its application, except some by name.

    `declares`: those that code declared too. A worker that declares none does not know whether they are still wanted.
    """
    names = sorted(refused)
    return {"app": app, "declares": declares, "refused": names if dialect.moves_rows else dump(names)}


def next_tick(
    dialect: Dialect, which: Mapping[str, Any], now: datetime | None
) -> Plan[tuple[datetime, datetime | None]]:
    """The time, and when the next tick is due, in one cheap look."""
    [(moment, tick)] = yield _say(dialect, "next", **which, now=dialect.stored_time(now))
    return _moment(dialect, moment), None if tick is None else _moment(dialect, tick)


def due(dialect: Dialect, which: Mapping[str, Any], most: int, now: datetime | None) -> Plan[list[StoredSchedule]]:
    """Lock up to `most` schedules whose tick is due, in an open transaction; skips those that others have locked."""
    rows = yield _say(dialect, "due", **which, most=most, now=dialect.stored_time(now))
    return [_stored(dialect, row) for row in rows]


def fired(dialect: Dialect, app: str, name: str, *, last_at: datetime, next_at: datetime) -> Plan[None]:
    """Move on to the next tick."""
    times = {"last_at": dialect.stored_time(last_at), "next_at": dialect.stored_time(next_at)}
    yield _say(dialect, "fired", app=app, name=name, **times)


def one(dialect: Dialect, app: str, name: str) -> Plan[StoredSchedule | None]:
    """The schedule of this name."""
    rows = yield _say(dialect, "one", app=app, name=name)
    return _stored(dialect, rows[0]) if rows else None


def page(dialect: Dialect, app: str, after: str, most: int) -> Plan[list[StoredSchedule]]:
    """The schedules of an application by name, those after the given name."""
    rows = yield _say(dialect, "page", app=app, after=after, most=most)
    return [_stored(dialect, row) for row in rows]


def put(dialect: Dialect, row: ScheduleRow, next_at: datetime, *, retimed: bool) -> Plan[None]:
    """Create or change a schedule; `retimed`: it continues with `next_at` instead of the tick that it has."""
    yield _say(dialect, "put", **asdict(row), next_at=dialect.stored_time(next_at), retimed=retimed)


def pause(dialect: Dialect, app: str, name: str, now: datetime | None) -> Plan[None]:
    """Stop firing it."""
    yield _say(dialect, "pause", app=app, name=name, now=dialect.stored_time(now))


def resume(dialect: Dialect, app: str, name: str, next_at: datetime) -> Plan[None]:
    """Continue with this tick."""
    yield _say(dialect, "resume", app=app, name=name, next_at=dialect.stored_time(next_at))


def delete(dialect: Dialect, app: str, name: str) -> Plan[None]:
    """Delete it."""
    yield _say(dialect, "delete", app=app, name=name)


def is_said(dialect: Dialect, app: str, digest: str) -> Plan[bool]:
    """Whether a worker of this release has recently reported it."""
    return bool((yield _say(dialect, "is_said", app=app, digest=digest)))


def say_release(dialect: Dialect, app: str, digest: str) -> Plan[bool]:
    """
    Report in an open transaction that this release has a worker; returns whether it rules.

    The newest release that has living workers rules. "Whoever started last" would be wrong: an old worker that is
    restarted during a deploy would bring back the old schedules.
    """
    yield _say(dialect, "turn", app=app)
    yield _say(dialect, "take_turn", app=app)
    yield _say(dialect, "say", app=app, digest=digest)
    rows = yield _say(dialect, "ruling", app=app)
    yield _say(dialect, "forget", app=app)
    ruling: str = as_text(rows[0][0])
    return ruling == digest


def declare(
    dialect: Dialect, app: str, digest: str, rows: Sequence[tuple[ScheduleRow, NextAfter]]
) -> Plan[tuple[list[str], list[str]]]:
    """
    Store what a release declares: if it rules, its schedules are added, and those that it no longer names are deleted.

    Each comes with a function from an instant to the first tick after it. Returns the names of those that were added or
    changed, and of those that were deleted.
    """
    changed: list[str] = []
    yield from begin(dialect)
    if not (yield from say_release(dialect, app, digest)):
        yield from commit(dialect)
        return [], []
    now = yield from clock(dialect, None)
    there = {row.name: row for row in (_stored(dialect, row) for row in (yield _say(dialect, "declared", app=app)))}
    for row, next_after in rows:
        old = there.pop(row.name, None)
        if old is None or old.digest != row.digest:
            if old is None:
                old = yield from one(dialect, app, row.name)  # if it was made at run time, the code takes it over
            start = max(now, old.last_at) if old is not None and old.last_at is not None else now
            yield from put(dialect, row, next_after(start), retimed=old is None or not old.ticks_as(row))
            changed.append(row.name)
    for name in there:
        yield from delete(dialect, app, name)
    yield from commit(dialect)
    return changed, sorted(there)
