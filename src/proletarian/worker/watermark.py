"""
Where the next claim may begin, so that it does not read past all that has left.

Under an old snapshot (a forgotten transaction, a backup) the index keeps an entry of every
job that has gone, at its front. A claim that begins where the last one ended does not see
them. It is blind for a job that was committed late with an earlier time, and for a priority
that is new: so a full claim is made once a second, and whenever the short way brings less
than was wanted, as long as full claims are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from proletarian.sql.dialect import Claimed, Level

FULL_EVERY = 1.0  # seconds, at the most, between full claims
SHARE = 0.05  # of the time, at the most, goes into full claims that bring little


class Watermark:
    """
    The time of the last claimed job of each queue and priority.

    >>> from proletarian.worker.watermark import Watermark
    >>> mark = Watermark()
    >>> mark.onward(["mail"], now=0.0) is None          # nothing known: a full claim
    True
    """

    def __init__(self) -> None:
        self._marks: dict[Level, Any] = {}
        self._next_full = 0.0

    def onward(self, queues: Iterable[str], now: float) -> Mapping[Level, Any] | None:
        """From where to claim; None for a full claim."""
        if now >= self._next_full:
            return None
        wanted = set(queues)
        marks = {level: mark for level, mark in self._marks.items() if level[0] in wanted}
        return marks if {queue for queue, _ in marks} == wanted else None

    def claimed(self, rows: Iterable[Claimed], *, full: bool, short: bool, took: float, now: float) -> None:
        """Take in what a claim brought, and how long it took."""
        for row in rows:
            level = row.queue, row.priority
            mark = self._marks.get(level)
            if mark is None or row.process_at > mark:
                self._marks[level] = row.process_at
        if full:
            # Short, so its cost was the search, not the jobs: the next one waits accordingly.
            self._next_full = now + (min(FULL_EVERY, took / SHARE) if short else FULL_EVERY)
        elif short:
            self._next_full = min(self._next_full, now)

    def forget(self) -> None:
        """Start anew: jobs were put back that lie behind the marks."""
        self._next_full = 0.0
