"""
How many jobs to hold: those that will start within 50 ms, judging by the recent rate.

Long jobs end rarely, so nothing is hoarded; no-op jobs end by the thousand, so they are claimed in large batches. But
no more of them than fit into `BYTES`, judging by recent payloads.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

AHEAD = 0.05  # seconds of work to hold beyond the slots, at least
MOST = 1000  # jobs in one claim
BYTES = 32_000_000  # of payloads in one claim, and held beyond the slots
SAMPLE = 0.005  # seconds after which a rate is meaningful


class Prefetch:
    """
    How many jobs to claim for one queue, from how fast its jobs end while there are some.

    >>> prefetch = Prefetch(slots=10)
    >>> prefetch.want(held=0)                       # nothing known yet: the slots
    10
    >>> prefetch.observe(ended=0, busy=0.0, held=10, now=0.0)
    >>> prefetch.observe(ended=1000, busy=0.5, held=10, now=0.1)      # 10,000 a second, of 0.5 ms each
    >>> prefetch.want(held=10)
    1000
    >>> prefetch.want(held=900)                     # plenty left: no small claims
    0
    >>> prefetch.weigh([1_000_000] * 4)             # but if they are of a megabyte each
    >>> prefetch.want(held=10)
    22
    """

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.rate = 0.0
        self._ended = 0
        self._busy = 0.0
        self._since = 0.0
        self._was_empty = True
        self._weight = 0.0  # of a payload, recently

    def weigh(self, sizes: Sequence[int]) -> None:
        """Note how large the payloads of the last few jobs were."""
        latest = sum(sizes) / len(sizes)
        # Rises at once and falls by half, like the rate.
        self._weight = latest if latest > self._weight else (self._weight + latest) / 2

    def observe(self, ended: int, busy: float, held: int, now: float) -> None:
        """
        Note how many jobs have ended so far, in total, and how many are held.

        `busy` is how many seconds the ended jobs took in total. Jobs of equal length end in bursts, which look like a
        high rate; but no slot can end more than one job per length.
        """
        passed = now - self._since
        if passed < SAMPLE:
            self._was_empty = self._was_empty or not held
            return
        count, took = ended - self._ended, busy - self._busy
        able = self.slots * count / took if took > 0 else inf
        latest = min(count / passed, able)
        if self._was_empty or not held:
            # For some of that time there was nothing to do: the slots can do better than that, but not better than they
            # are able to.
            latest = max(latest, min(self.rate, able))
        # Rises at once and falls by half: one slow moment in a fast run should not leave us without jobs.
        self.rate = latest if latest > self.rate else (self.rate + latest) / 2
        self._ended, self._busy, self._since, self._was_empty = ended, busy, now, not held

    def want(self, held: int) -> int:
        """How many jobs to claim now, with so many held (including running ones)."""
        able = max(1, int(BYTES / self._weight)) if self._weight else self.slots + 2 * MOST
        hold = max(self.slots, min(self.slots + 2 * int(self.rate * AHEAD), able))
        # Refill when half of what is held beyond the slots is used up: fewer and larger claims.
        if held >= (self.slots + hold) // 2:
            return 0
        return max(0, min(MOST, able, hold - held))
