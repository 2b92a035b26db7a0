"""A queue whose handlers run in child processes: how many, and when one of them is ended."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds


@dataclass(frozen=True)
class Processes:
    """
    Runs the jobs of a queue in child processes, so that CPU-bound work uses as many cores as you give it.

    `Worker(…, queues={"render": Processes(4)})` runs four of its jobs at a time, each in a process that is reused for
    one job after another. What a thread can only be asked to do is enforced: a job over its task's `time_limit`, a
    cancelled job, and one that is still running when the stop timeout is over are killed, with their process. A process
    that dies (a crash in C code, the out-of-memory killer) costs the job that it ran one counted run, and affects no
    other job.

    - `count`: how many, 1 or more; by default the number of CPUs that this process may use.
    - `max_jobs`: the number of jobs after which a process is replaced, against leaks; None (the default): never.
    - `max_memory`: how many bytes a process may use. A process that uses more is killed, which costs its job a counted
      run, and is replaced. None (the default): no limit.
    - `grace`: seconds (or a timedelta) that a job has to stop, once `job.stopping` is set because it is over its time
      limit or cancelled, before its process is killed. 1 by default.

    Raises `ConfigurationError` for invalid numbers.

    >>> Processes(4)
    Processes(4)
    >>> Processes(2, max_jobs=100, max_memory=500_000_000)
    Processes(2, max_jobs=100, max_memory=500000000)
    """

    count: int = field(default_factory=lambda: cpus())
    max_jobs: int | None = None
    max_memory: int | None = None
    grace: Duration = 1.0

    def __post_init__(self) -> None:
        for name in ("count", "max_jobs", "max_memory"):
            value = getattr(self, name)
            optional = name != "count" and value is None
            if not optional and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ConfigurationError(f"Processes: {name} is a whole number, 1 or more, not {value!r}")
        _ = self.patience  # refuses what is not a duration

    @property
    def patience(self) -> float:
        """`grace` in seconds."""
        return in_seconds(self.grace, "grace")

    def __repr__(self) -> str:
        more = [f"{name}={getattr(self, name)!r}" for name in ("max_jobs", "max_memory") if getattr(self, name)]
        more += [f"grace={self.grace}"] if self.grace != 1.0 else []
        return f"Processes({', '.join([str(self.count), *more])})"


def cpus() -> int:
    """How many CPUs this process can use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
