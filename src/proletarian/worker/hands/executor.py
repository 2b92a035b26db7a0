"""A queue whose handlers run on an executor, such as a cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from proletarian.errors import ConfigurationError

if TYPE_CHECKING:
    from concurrent import futures


@dataclass(frozen=True)
class Executor:
    """
    Runs the jobs of a queue on any `concurrent.futures.Executor`, so that handlers can use more than one machine.

    `Worker(…, queues={"train": Executor(client.get_executor(), slots=100)})` lets a Dask cluster run up to a hundred of
    its jobs at a time, while transactions, retries, schedules and the archive work as for any queue. The processes of
    the cluster import your tasks by name, and are sent the job's row.

    - `executor`: has a `submit(function, *args)` that returns a `concurrent.futures.Future`. It is yours: the worker
      does not shut it down.
    - `slots`: how many jobs are submitted at a time, 10 by default; set it to as many as the executor can run.

    Raises `ConfigurationError` for something that is not an executor, or an invalid number of slots.

    >>> from concurrent.futures import ThreadPoolExecutor
    >>> Executor(ThreadPoolExecutor(2), slots=2)
    Executor(ThreadPoolExecutor, slots=2)
    """

    executor: futures.Executor
    slots: int = 10

    def __post_init__(self) -> None:
        if not callable(getattr(self.executor, "submit", None)):
            raise ConfigurationError(
                f"an executor has submit(function, *args), as those of Dask; not {self.executor!r}"
            )
        if isinstance(self.slots, bool) or not isinstance(self.slots, int) or self.slots < 1:
            raise ConfigurationError(f"Executor: slots is a whole number, 1 or more, not {self.slots!r}")

    def __repr__(self) -> str:
        return f"Executor({type(self.executor).__name__}, slots={self.slots})"
