"""
How long the archive keeps a job that has ended.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from proletarian.times.durations import Duration, in_seconds

DAY = 86400.0
SUCCEEDED, FAILED = 7 * DAY, 90 * DAY


@dataclass(frozen=True, slots=True)
class Keep:
    """
    How long the archive keeps jobs: those that succeeded, and those that failed or were cancelled.

    Seconds or timedeltas; None means forever. The defaults are 7 and 90 days.

    >>> Keep(succeeded=3600).of("success"), Keep(failed=None).of("failure")
    (3600.0, None)
    """

    succeeded: Duration | None = SUCCEEDED
    failed: Duration | None = FAILED

    def __post_init__(self) -> None:
        for name in ("succeeded", "failed"):
            value = getattr(self, name)
            if value is not None:
                in_seconds(value, f"keep: {name}")

    def of(self, status: str) -> float | None:
        """Seconds for which a job that ended like this is kept."""
        kept = self.succeeded if status == "success" else self.failed
        return None if kept is None else in_seconds(kept, "keep")


FOR_EVER = Keep(None, None)


def kept(keep: Keep | Duration | None) -> Keep | None:
    """
    What an application passed, as a `Keep`: a single time applies to all jobs that have ended.

    >>> kept(60), kept(None)
    (Keep(succeeded=60.0, failed=60.0), None)
    """
    if keep is None or isinstance(keep, Keep):
        return keep
    seconds = in_seconds(keep, "keep")
    return Keep(seconds, seconds)


@dataclass(frozen=True)
class Retention:
    """What a worker deletes: `by_type` for tasks with their own times, `others` for the other types that it `knows`."""

    by_type: Mapping[str, Keep]
    others: Keep
    knows: Callable[[str], bool]

    def of(self, job_type: str, status: str) -> float | None:
        """Seconds for which such a job is kept; None if it is not ours to delete."""
        keep = self.by_type.get(job_type)
        if keep is None and self.knows(job_type):
            keep = self.others
        return None if keep is None else keep.of(status)

    @property
    def ages(self) -> list[float]:
        """The ages at which something is deleted, lowest first."""
        found = (keep.of(status) for keep in (self.others, *self.by_type.values()) for status in ("success", "failure"))
        return sorted({age for age in found if age is not None})
