"""
Where the next claim of a queue may begin, so that it does not read past all that has left.

Under an old snapshot (a forgotten transaction, a backup) the index keeps an entry of every
job that has gone, at its front. A claim that begins where the last one ended does not see
them. It is blind for a job that was committed late with an earlier time, and for a priority
that is new. So a full claim is made once a second; and sooner, when the short way brings
less than was wanted, as long as full claims are cheap.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from proletarian.sql.rows import Claimed

FULL_EVERY = 1.0  # seconds between full claims, at the most
SHARE = 0.05  # of the time may go into full claims that bring little


@dataclass
class Watermark:
    """
    The time of the last claimed job of each priority in one queue.

    >>> mark = Watermark()
    >>> mark.wants_full(now=0.0)                    # nothing known: a full claim
    True
    >>> job = Claimed("id", "mail", "send", "{}", 0, None, "10:00", 0, None, 0, None, 1)
    >>> mark.claimed([job], full=True, short=False, took=0.01, now=0.0)
    >>> mark.wants_full(now=0.5), mark.marks
    (False, {0: '10:00'})
    >>> mark.claimed([], full=False, short=True, took=0.001, now=0.6)
    >>> mark.wants_full(now=0.6)                    # the short way brought too little
    True
    """

    marks: dict[int, Any] = field(default_factory=dict)
    _full_at: float = float("-inf")
    _cost: float = 0.0  # seconds that looking through everything takes
    _asked: bool = False

    def wants_full(self, now: float, *, at_any_cost: bool = False) -> bool:
        """Whether the next claim has to look at everything."""
        if not self.marks or now >= self._full_at + FULL_EVERY:
            return True
        return self._asked and (at_any_cost or now >= self.affordable_at)

    @property
    def affordable_at(self) -> float:
        """From when on a full claim costs no more than its share."""
        return self._full_at + self._cost / SHARE

    @property
    def is_blind(self) -> bool:
        """Whether jobs may be waiting that the short way does not see."""
        return self._asked

    def claimed(self, rows: Iterable[Claimed], *, full: bool, short: bool, took: float, now: float) -> None:
        """Take in what a claim brought, and how long it took."""
        for row in rows:
            mark = self.marks.get(row.priority)
            if mark is None or row.process_at > mark:
                self.marks[row.priority] = row.process_at
        if full:
            self._full_at, self._asked = now, False
            # If it came short, its time went into looking, not into moving jobs.
            self._cost = took if short else 0.0
        elif short:
            self._asked = True

    def ask(self) -> None:
        """Jobs were put back that may lie behind the marks."""
        self._asked = True


def joined(marks: Mapping[str, Watermark]) -> dict[tuple[str, int], Any]:
    """The marks of several queues, by queue and priority."""
    return {(queue, priority): at for queue, mark in marks.items() for priority, at in mark.marks.items()}
