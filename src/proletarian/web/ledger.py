"""
What ended in each minute of the last day, counted once: a past minute does not change.

So a look takes the statements for the two latest minutes; the rest of the day is counted a little at a time, latest
first.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta

from proletarian.looking.surveying import one_minute
from proletarian.looking.surveys import Minute
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan

MINUTE = timedelta(minutes=1)
DAY = 1_440  # minutes
MOST = 10_000  # of one minute
SPELL = 0.08  # seconds that one look may spend on what is still unknown


class Ledger:
    """Minutes by their start; shared by the threads of a dashboard, which only ever add minutes."""

    def __init__(self) -> None:
        self._minutes: dict[datetime, Minute] = {}

    def fill(self, dialect: Dialect, now: datetime) -> Plan[None]:
        """Count the two latest minutes, and some that have not been counted yet."""
        last = now.replace(second=0, microsecond=0)
        for at in (last, last - MINUTE):  # an end may be committed a little after its time
            yield from self._count(dialect, at, now)
        ends = time.monotonic() + SPELL
        for back in range(2, DAY):
            if time.monotonic() > ends:
                break
            if (at := last - back * MINUTE) not in self._minutes:
                yield from self._count(dialect, at, now)
        for at in [at for at in list(self._minutes) if at <= last - DAY * MINUTE]:
            self._minutes.pop(at, None)

    def _count(self, dialect: Dialect, at: datetime, now: datetime) -> Plan[None]:
        self._minutes[at] = yield from one_minute(dialect, at, now, MOST)

    def minutes(self, now: datetime, count: int) -> list[Minute | None]:
        """The latest minutes, oldest first; None for one that has not been counted yet."""
        last = now.replace(second=0, microsecond=0)
        return [self._minutes.get(last - back * MINUTE) for back in reversed(range(count))]


def rate(minutes: Sequence[Minute | None], queue: str | None = None) -> float | None:
    """Jobs that ended per minute, in past minutes; None if none of these has been counted."""
    known = [minute for minute in minutes[:-1] if minute is not None]
    if not known:
        return None
    ended = sum(int(minute.ended if queue is None else minute.queues.get(queue, 0)) for minute in known)
    return ended / len(known)
