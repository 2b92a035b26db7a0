"""
Where the next look at a queue may start, to avoid reading past all the jobs that have left.

Under an old snapshot (a forgotten transaction, a backup) the index keeps an entry for every job that has left, at its
front. A look that starts where the last claim ended does not read these entries. But it is blind to a job that was
committed late with an earlier time, and to a new priority. So there is a full look once a second, and sooner on
request, as long as full looks are cheap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any

from proletarian.sql.rows import Claimed

FULL_EVERY = 1.0  # seconds between full looks at most
SHARE = 0.05  # the share of the time that may go into full looks that bring little


@dataclass
class Watermark:
    """
    The time of the last claimed job of each priority in one queue.

    >>> mark = Watermark()
    >>> mark.wants_full(now=0.0)                    # nothing known: a full look
    True
    >>> job = Claimed("id", "mail", "send", "{}", 0, None, "10:00", 0, None, 0, None, 0, None, "", None, 1)
    >>> mark.claimed([job], full=True, short=False, took=0.01, now=0.0)
    >>> mark.wants_full(now=0.5), mark.marks
    (False, {0: '10:00'})
    >>> mark.ask(at=0.6)                            # there may be jobs behind the mark
    >>> mark.wants_full(now=0.55), mark.wants_full(now=0.6)
    (False, True)
    """

    marks: dict[int, Any] = field(default_factory=dict)
    _full_at: float = -inf
    _cost: float = 0.0  # seconds that a full look takes
    _asked_for: float = inf  # from when on a full look is wanted

    def wants_full(self, now: float, *, idle: bool = False, at_any_cost: bool = False) -> bool:
        """
        Whether the next look must be a full one.

        It must if there is nothing to continue from, or when `idle`, because then nothing flows, and there is no end of
        a last claim where a quick look could continue. Both only if a full look is affordable.
        """
        if now >= self._full_at + FULL_EVERY:
            return True
        wanted = idle or not self.marks or now >= self._asked_for
        return wanted and (at_any_cost or now >= self._affordable_at)

    @property
    def _affordable_at(self) -> float:
        """From when on a full look costs no more than its share."""
        return self._full_at + self._cost / SHARE

    def due_at(self, *, at_any_cost: bool = False) -> float:
        """When the full look that was asked for can be made; never, if none was."""
        return self._asked_for if at_any_cost else max(self._asked_for, self._affordable_at)

    def ask(self, at: float) -> None:
        """Ask for a full look from then on: there may be jobs that the quick look does not see."""
        self._asked_for = min(self._asked_for, at)

    def claimed(self, rows: Sequence[Claimed], *, full: bool, short: bool, took: float, now: float) -> None:
        """Note what a look brought, in order of priority and time, and how long it took."""
        alike = bool(rows) and rows[0].priority == rows[-1].priority
        for row in rows[-1:] if alike else rows:
            mark = self.marks.get(row.priority)
            if mark is None or row.process_at > mark:
                self.marks[row.priority] = row.process_at
        if full:
            self._full_at, self._asked_for = now, inf
            # If it came up short, its time went into looking, not into moving jobs.
            self._cost = took if short else 0.0


def together(marks: Mapping[str, Watermark]) -> dict[tuple[str, int], Any]:
    """The marks of several queues, by queue and priority."""
    return {(queue, priority): at for queue, mark in marks.items() for priority, at in mark.marks.items()}
