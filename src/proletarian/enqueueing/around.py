"""
What an application runs around its enqueues: `tasks.around_enqueue`.

Such a function is a generator, like that of a context manager, so that it serves blocking and async
connections alike. It yields the jobs to enqueue, and is sent their ids.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator, Iterable, Sequence
from dataclasses import dataclass
from inspect import isawaitable, iscoroutine
from typing import Any, TypeAlias, cast

from proletarian.errors import ConfigurationError, WrongCall
from proletarian.job import NewJob
from proletarian.payloads.callables import is_generator_function
from proletarian.sql.statements import arun, run

Around: TypeAlias = Callable[[Any, Sequence[NewJob]], Generator[Any, Any, Any]]


def checked(function: Around) -> Around:
    """The function, if it can run around an enqueue; otherwise raises `ConfigurationError`."""
    if not is_generator_function(function):
        raise ConfigurationError(
            "what runs around an enqueue is a generator function of (connection, jobs) that yields the jobs once, "
            f"not {function!r}"
        )
    return function


def within(
    functions: Sequence[Around],
    connection: Any,
    jobs: Sequence[NewJob],
    enqueue: Callable[[Sequence[NewJob]], list[Any]],
) -> list[Any]:
    """Enqueue jobs within these functions, the first of them outermost; returns the jobs' ids."""
    if not functions or not jobs:
        return enqueue(jobs)
    outer = Turn(functions[0], len(jobs))

    def execute(said: Any) -> list[Any]:
        if isawaitable(said):
            if iscoroutine(said):
                said.close()
            raise WrongCall(f"{outer.function!r} awaits something, but {connection!r} is a blocking connection")
        outer.job_ids = within(functions[1:], connection, outer.jobs(said), enqueue)
        return outer.job_ids

    run(cast(Any, outer.function(connection, jobs)), cast(Any, execute))
    return outer.result()


async def awithin(
    functions: Sequence[Around],
    connection: Any,
    jobs: Sequence[NewJob],
    enqueue: Callable[[Sequence[NewJob]], Awaitable[list[Any]]],
) -> list[Any]:
    """The same on an async connection."""
    if not functions or not jobs:
        return await enqueue(jobs)
    outer = Turn(functions[0], len(jobs))

    async def execute(said: Any) -> Any:
        if isawaitable(said):
            return await said
        outer.job_ids = await awithin(functions[1:], connection, outer.jobs(said), enqueue)
        return outer.job_ids

    await arun(cast(Any, outer.function(connection, jobs)), cast(Any, execute))
    return outer.result()


@dataclass
class Turn:
    """One function around one enqueue, which must yield jobs exactly once, because the caller gets an id for each."""

    function: Around
    count: int
    job_ids: list[Any] | None = None

    def jobs(self, said: Any) -> list[NewJob]:
        """What it yields, if these are jobs, and as many as before."""
        if self.job_ids is not None:
            raise self._wrong("yields a second time")
        jobs = list(said) if isinstance(said, Iterable) else []
        if len(jobs) != self.count:
            raise self._wrong(f"yields {said!r}")
        return jobs

    def result(self) -> list[Any]:
        """The ids, after it has ended."""
        if self.job_ids is None:
            raise self._wrong("yields nothing")
        return self.job_ids

    def _wrong(self, what: str) -> ConfigurationError:
        return ConfigurationError(
            f"{self.function!r} runs around an enqueue of {self.count} jobs, and {what}: it must yield these jobs, "
            f"or as many others in their place, exactly once; to refuse them it must raise"
        )
