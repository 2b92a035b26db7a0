"""How often, and after which delays, a failed job is tried again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds


@dataclass(frozen=True, slots=True)
class Retry:
    """
    Try a failed job again: `retries` more times, waiting `delays` (seconds or timedeltas) in between.

    The last delay repeats; without delays the next attempt follows at once. `jitter` varies each delay at random by up
    to that fraction either way, so that jobs that failed together do not come back together. Raises
    `ConfigurationError` for negative numbers.

    >>> Retry(4, delays=[1, 5]).after(failures=1)
    1.0
    >>> Retry(4, delays=[1, 5]).after(failures=4)
    5.0
    >>> Retry(4, delays=[1, 5]).after(failures=5) is None
    True
    """

    retries: int
    delays: Sequence[Duration] = ()
    jitter: float = 0.0

    def __post_init__(self) -> None:
        counts = isinstance(self.retries, int) and not isinstance(self.retries, bool) and self.retries >= 0
        if not counts:
            raise ConfigurationError(f"retries is a whole number, 0 or more, not {self.retries!r}")
        if isinstance(self.delays, str) or not isinstance(self.delays, Iterable):
            raise ConfigurationError(f"delays is a list of seconds or timedeltas, not {self.delays!r}")
        delays = tuple(in_seconds(delay, "each of the delays") for delay in self.delays)
        if not isinstance(self.jitter, (int, float)) or not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"jitter is a fraction between 0 and 1, not {self.jitter!r}")
        object.__setattr__(self, "delays", delays)

    @classmethod
    def exponential(
        cls,
        retries: int,
        *,
        first: Duration = 1.0,
        factor: float = 2.0,
        most: Duration = 3600.0,
        jitter: float = 0.25,
    ) -> Retry:
        """
        Back off: each delay is `factor` times the one before, up to `most` (seconds or timedeltas).

        >>> Retry.exponential(5, first=1, factor=3, most=20).delays
        (1.0, 3.0, 9.0, 20.0)
        """
        shortest, longest = in_seconds(first, "first", zero=False), in_seconds(most, "most", zero=False)
        if not (isinstance(factor, (int, float)) and 1 < factor < float("inf") and longest >= shortest):
            raise ConfigurationError(
                f"exponential needs first > 0, factor > 1, most >= first; got first={first!r}, "
                f"factor={factor!r}, most={most!r}"
            )
        delays = [shortest]
        while delays[-1] < longest and len(delays) < retries:
            delays.append(min(delays[-1] * factor, longest))
        return cls(retries, delays=delays, jitter=jitter)

    def after(self, *, failures: int) -> float | None:
        """Seconds to wait after this many failures, or None to give up."""
        if failures > self.retries:
            return None
        if not self.delays:
            return 0.0
        delay = in_seconds(self.delays[min(failures, len(self.delays)) - 1], "delay")
        return delay * (1 + random.uniform(-self.jitter, self.jitter)) if self.jitter else delay  # noqa: S311 (spread, no secret)
