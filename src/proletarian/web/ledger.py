"""
What ended in each minute of the last day, counted once: a minute that is over does not change.

So a look costs the statements of the two latest minutes, and whatever of the day is still unknown is counted
a little at a time, the latest first.
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
    """Minutes by when they began; shared by the threads of a dashboard, in which a minute is only ever put in."""

    def __init__(self) -> None:
        self._minutes: dict[datetime, Minute] = {}

    def fill(self, dialect: Dialect, now: datetime) -> Plan[None]:
        """Count the two latest minutes, and some that were not counted yet."""
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
        """The latest minutes, the oldest first; None for one that was not counted yet."""
        last = now.replace(second=0, microsecond=0)
        return [self._minutes.get(last - back * MINUTE) for back in reversed(range(count))]


def rate(minutes: Sequence[Minute | None], queue: str | None = None) -> float | None:
    """Jobs that ended per minute, in those that are over; None if none of them was counted."""
    known = [minute for minute in minutes[:-1] if minute is not None]
    if not known:
        return None
    ended = sum(int(minute.ended if queue is None else minute.queues.get(queue, 0)) for minute in known)
    return ended / len(known)
