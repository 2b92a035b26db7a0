"""Pause queues for the whole fleet, on the application's connection and in its transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from proletarian.sql.dialect import Dialect
from proletarian.sql.orders import tell
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Pause(NamedTuple):
    """One paused queue: who paused it, why, and since when (in UTC)."""

    queue: str
    reason: str
    by: str
    paused_at: datetime


def pause(dialect: Dialect, queue: str, reason: str, by: str) -> Plan[None]:
    """Soon after the commit, no worker claims from this queue any more."""
    said = dialect.stored_new({"queue": queue, "reason": reason, "by": by})
    yield dialect.say("pausing.pause", **said)
    yield from tell(dialect)


def resume(dialect: Dialect, queue: str) -> Plan[bool]:
    """Workers claim from this queue again; returns whether it was paused."""
    which = dialect.stored_new({"queue": queue})
    if dialect.moves_rows:
        was_paused = bool((yield dialect.say("pausing.resume", **which)))
    else:
        was_paused = bool((yield dialect.say("pausing.is_paused", **which)))
        if was_paused:
            yield dialect.say("pausing.resume", **which)
    yield from tell(dialect)
    return was_paused


def pauses(dialect: Dialect) -> Plan[list[Pause]]:
    """The queues that are paused."""
    rows = yield dialect.say("pausing.pauses")
    return [
        Pause(as_text(queue), as_text(reason), as_text(by), EPOCH + timedelta(microseconds=int(microseconds)))
        for queue, reason, by, microseconds in rows
    ]
