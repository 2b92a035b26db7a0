"""How often, and after which delays, a failed job is tried again."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

from proletarian.errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Retry:
    """
    Try a failed job again: `retries` more times, waiting `delays` seconds in between.

    The last delay repeats; without delays the next try comes at once. `jitter` spreads
    each delay by up to that fraction to either side, so that jobs which failed together
    do not come back together. Raises `ConfigurationError` for negative numbers.

    >>> Retry(4, delays=[1, 5]).after(failures=1)
    1.0
    >>> Retry(4, delays=[1, 5]).after(failures=4)
    5.0
    >>> Retry(4, delays=[1, 5]).after(failures=5) is None
    True
    """

    retries: int
    delays: Sequence[float] = ()
    jitter: float = 0.0

    def __post_init__(self) -> None:
        counts = isinstance(self.retries, int) and not isinstance(self.retries, bool) and self.retries >= 0
        if not counts:
            raise ConfigurationError(f"retries is a whole number, 0 or more, not {self.retries!r}")
        try:
            delays = tuple(float(delay) for delay in self.delays)
        except (TypeError, ValueError):
            raise ConfigurationError(f"delays is a list of seconds, not {self.delays!r}") from None
        if not all(0 <= delay < float("inf") for delay in delays):
            raise ConfigurationError(f"delays are seconds, 0 or more, not {self.delays!r}")
        if not 0 <= self.jitter <= 1:
            raise ConfigurationError(f"jitter is a fraction between 0 and 1, not {self.jitter!r}")
        object.__setattr__(self, "delays", delays)

    @classmethod
    def exponential(
        cls,
        retries: int,
        *,
        first: float = 1.0,
        factor: float = 2.0,
        most: float = 3600.0,
        jitter: float = 0.25,
    ) -> Retry:
        """
        Back off: each delay is `factor` times the one before, up to `most` seconds.

        >>> Retry.exponential(5, first=1, factor=3, most=20).delays
        (1.0, 3.0, 9.0, 20.0)
        """
        if not (first > 0 and factor > 1 and most >= first):
            raise ConfigurationError(
                f"exponential needs first > 0, factor > 1, most >= first; got first={first!r}, "
                f"factor={factor!r}, most={most!r}"
            )
        delays = [float(first)]
        while delays[-1] < most and len(delays) < retries:
            delays.append(min(delays[-1] * factor, float(most)))
        return cls(retries, delays=delays, jitter=jitter)

    def after(self, *, failures: int) -> float | None:
        """Seconds to wait after this many failures, or None to give up."""
        if failures > self.retries:
            return None
        if not self.delays:
            return 0.0
        delay = self.delays[min(failures, len(self.delays)) - 1]
        return delay * (1 + random.uniform(-self.jitter, self.jitter)) if self.jitter else delay  # noqa: S311 (spread, no secret)
