"""Enqueue jobs of a flow: those that wait for nothing, and those that are held."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

import msgspec

from proletarian.sql.columns import NEW
from proletarian.sql.dialect import Dialect
from proletarian.sql.enqueueing import (
    BATCH,
    BITE_OF_ARRAYS,
    COPY_FROM,
    EPOCH,
    due_at,
    new_values,
    require_room,
)
from proletarian.sql.rows import BITE, NewRow, dump, portions
from proletarian.sql.statements import Copy, Plan

CONNECTED = ("job_id", *NEW, "enqueued_at", "process_at", "flow")


class Entry(msgspec.Struct, frozen=True, gc=False):
    """A job to insert, and how it depends on others; `waits` is None if it waits for no job."""

    row: NewRow
    flow: int | None
    waits: int | None = None
    if_failed: str = "cancel"


def enter(dialect: Dialect, entries: Sequence[Entry], now: datetime | None, *, copy: bool, wake: bool) -> Plan[None]:
    """Insert jobs that wait for others, or are waited for; `copy` says whether the driver supports COPY."""
    free = [entry for entry in entries if entry.waits is None]
    held = [entry for entry in entries if entry.waits is not None]
    if not dialect.moves_rows:
        yield from require_room(dialect, [entry.row for entry in entries if len(entry.row.payload) > BITE])
        for name, some in (("put", free), ("hold", held)):
            yield from _by_json(dialect, name, some, now)
        return
    [(microseconds,)] = yield dialect.say("enqueueing.clock", now=now)
    moment = EPOCH + timedelta(microseconds=microseconds)
    yield from _by_arrays(dialect, "job", free, moment, copy=copy)
    yield from _by_arrays(dialect, "held_job", held, moment, copy=copy)
    if wake and free:
        yield dialect.say("enqueueing.wake", queues=sorted({entry.row.queue for entry in free}))


def _by_arrays(dialect: Dialect, table: str, entries: Sequence[Entry], moment: datetime, *, copy: bool) -> Plan[None]:
    is_held = table == "held_job"
    columns: tuple[str, ...] = (*CONNECTED, "waits", "if_failed") if is_held else CONNECTED

    def values(entries: Sequence[Entry]) -> Iterator[tuple[Any, ...]]:
        for entry in entries:
            row = entry.row
            more = (entry.waits, entry.if_failed) if is_held else ()
            yield row.job_id, *new_values(row), moment, due_at(row, moment), entry.flow, *more

    if copy and len(entries) >= COPY_FROM:
        rows = ((*row, 0) for row in values(entries))
        yield Copy(dialect.tables.name(table, dialect.name), (*columns, "attempts"), rows)
        return
    for portion in _portions(entries, BITE_OF_ARRAYS):
        arrays = [list(column) for column in zip(*values(portion), strict=True)]
        name = "flows.hold" if is_held else "flows.put"
        yield dialect.say(name, **dict(zip(columns, arrays, strict=True)))


def _by_json(dialect: Dialect, name: str, entries: Sequence[Entry], now: datetime | None) -> Plan[None]:
    for portion in _portions(entries, BITE, BATCH):
        jobs = [
            (
                dialect.json_id(entry.row.job_id),
                entry.row.process_at and str(dialect.stored_time(entry.row.process_at)),
                entry.row.delay,
                *new_values(entry.row),
                entry.flow,
                entry.waits,
                entry.if_failed,
            )
            for entry in portion
        ]
        yield dialect.say(f"flows.{name}", jobs=dump(jobs), now=dialect.stored_time(now))


def _portions(entries: Sequence[Entry], bytes_: int, most: float = float("inf")) -> Iterator[Sequence[Entry]]:
    at = 0
    for portion in portions(map(attrgetter("row"), entries), bytes_, most):
        yield entries[at : at + len(portion)]
        at += len(portion)
