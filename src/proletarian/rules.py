"""How a worker treats the jobs of a task."""

from __future__ import annotations

from dataclasses import dataclass

from proletarian.errors import ConfigurationError
from proletarian.outcomes import Strategy
from proletarian.retention import Keep
from proletarian.retries import Retry

LOST_LIMIT = 3


@dataclass(frozen=True, slots=True)
class Rules:
    """How a worker treats the jobs of one task."""

    retry: Strategy | None = None
    time_limit: float | None = None
    lost_limit: int = LOST_LIMIT
    keep_result: bool = False
    process: bool = False  # in a child process of the worker
    keep: Keep | None = None  # None: as long as others

    def __post_init__(self) -> None:
        if self.retry is not None and not isinstance(self.retry, Retry) and not callable(self.retry):
            raise ConfigurationError(
                f"retry is a Retry, or a function of (job, error) that returns one or None, not {self.retry!r}"
            )
        whole = isinstance(self.lost_limit, int) and not isinstance(self.lost_limit, bool)
        if not whole or self.lost_limit < 1:
            raise ConfigurationError(f"lost_limit is a whole number, 1 or more, not {self.lost_limit!r}")
