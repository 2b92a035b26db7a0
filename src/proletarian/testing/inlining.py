"""Jobs that run as soon as they are enqueued."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from proletarian.drivers.registry import driver_of
from proletarian.errors import ConfigurationError
from proletarian.events import Log
from proletarian.job import NewJob
from proletarian.tasks import Tasks
from proletarian.testing.changed import changed
from proletarian.testing.draining import MOST, adrain, drain, is_draining
from proletarian.testing.turns import Ran


@contextmanager
def inline(
    tasks: Tasks,
    /,
    *,
    raise_errors: bool = True,
    state: Mapping[str, Any] | None = None,
    most: int = MOST,
    log: Log | None = None,
) -> Iterator[list[Ran]]:
    """
    Run each job when it is enqueued, until the block ends; yields the list of runs, which grows.

    The job is inserted and drained at once, on the connection that it was enqueued on and in its
    open transaction: real rows and real SQL, and a rollback takes back both. Whatever else is due on
    that connection runs too; a job for later waits as usual. The options are those of `drain`:
    an error of a handler is raised by the `enqueue`. Raises `ConfigurationError` for anything but a
    `Tasks`.

    >>> import sqlite3
    >>> from proletarian.testing import create_tables
    >>> tasks = Tasks()
    >>> @tasks.task
    ... def greet(name: str) -> None:
    ...     print("hello,", name)
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> with inline(tasks) as ran:
    ...     job_id = greet.enqueue(connection, name="Ada")
    hello, Ada
    >>> ran[0].job_id == job_id
    True
    >>> connection.close()
    """
    if not isinstance(tasks, Tasks):
        raise ConfigurationError(f"jobs run inline by the application's Tasks, not by {tasks!r}")
    queue, ran = tasks.queue, []
    options: dict[str, Any] = {
        "queue": queue, "raise_errors": raise_errors, "state": state, "most": most, "log": log,
    }  # fmt: skip

    def run(connection: Any, jobs: Sequence[NewJob]) -> Generator[Any, Any, None]:
        yield jobs
        if is_draining():
            return  # a running job enqueues more: the drain that runs it gets to them
        if driver_of(connection).execute is None:
            ran.extend((yield adrain(connection, tasks, **options)))
        else:
            ran.extend(drain(connection, tasks, **options))

    with changed(queue, around=(run, *queue.around)):
        yield ran
