"""What a worker is given to run jobs with: a `Tasks`, or any callable of a job, which becomes one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.job import Job, Options
from proletarian.middleware import Handler
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.task import Task
from proletarian.tasks import Tasks


def tasks_of(handler: Tasks | Callable[[Job], Any]) -> Tasks:
    """
    The handler as a `Tasks`; raises `ConfigurationError` if it cannot be called.

    >>> tasks_of(print).find("any type at all")
    <Task 'print'>
    """
    if isinstance(handler, Tasks):
        return handler
    if not callable(handler):
        raise ConfigurationError(f"a handler is a Tasks or a callable of a job, not {handler!r}")
    return AnyType(handler)


class AnyType(Tasks):
    """One callable for jobs of all types; it gets the whole job."""

    def __init__(self, handler: Callable[[Job], Any]) -> None:
        super().__init__()
        self._only = WholeJob(handler, self.queue)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle it by the name of the callable, for another process."""
        return tasks_of, (self._only.function,)

    def find(self, job_type: str) -> Task[..., Any]:
        """The only task."""
        return self._only

    def job_types(self) -> None:
        """None: jobs of any type."""

    def handler(self, job_type: str) -> Handler:
        """The callable itself."""
        return self._only.function


class WholeJob(Task[..., Any]):
    """A callable that takes a `Job`, as a task: nothing in the payload becomes an argument."""

    def __init__(self, function: Callable[[Job], Any], queue: Queue) -> None:
        name = getattr(function, "__name__", None) or type(function).__name__
        super().__init__(function, name=name, options=Options(), rules=Rules(), queue=queue)

    def run(self, job: Job) -> Any:
        """Call it with the job."""
        return self.function(job)
