"""Jobs that run as soon as they are enqueued."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from proletarian.errors import ConfigurationError
from proletarian.events import Log, to_logging
from proletarian.job import NewJob
from proletarian.tasks import Tasks
from proletarian.testing.changed import changed
from proletarian.testing.draining import MOST, adrain, drain, is_draining
from proletarian.testing.turns import Ran


@contextmanager
def inline(
    tasks: Tasks, /, *, raise_errors: bool = True, most: int = MOST, log: Log = to_logging
) -> Iterator[list[Ran]]:
    """
    Have each job run at its enqueue, until the block ends; gives the list of runs, which grows.

    The job goes in and is drained at once, on the connection that it was enqueued on and in its
    open transaction: real rows and real SQL, and a rollback takes back both. What else is due on
    that connection runs too; a job for later waits as ever. The options are those of `drain`:
    an error of a handler is raised by the `enqueue`. Raises `ConfigurationError` for what is no
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
    plain = {name: getattr(queue, name) for name in ("enqueue_job", "aenqueue_job", "enqueue_many", "aenqueue_many")}

    def run(connection: Any) -> None:
        # A job that is being run enqueues more: the drain that runs it comes to them.
        if not is_draining():
            ran.extend(drain(connection, tasks, queue=queue, raise_errors=raise_errors, most=most, log=log))

    async def arun(connection: Any) -> None:
        if not is_draining():
            ran.extend(await adrain(connection, tasks, queue=queue, raise_errors=raise_errors, most=most, log=log))

    def enqueue_job(connection: Any, job: NewJob) -> Any:
        job_id = plain["enqueue_job"](connection, job)
        run(connection)
        return job_id

    async def aenqueue_job(connection: Any, job: NewJob) -> Any:
        job_id = await plain["aenqueue_job"](connection, job)
        await arun(connection)
        return job_id

    def enqueue_many(connection: Any, jobs: Iterable[NewJob]) -> Any:
        job_ids = plain["enqueue_many"](connection, jobs)
        run(connection)
        return job_ids

    async def aenqueue_many(connection: Any, jobs: Iterable[NewJob]) -> Any:
        job_ids = await plain["aenqueue_many"](connection, jobs)
        await arun(connection)
        return job_ids

    with changed(queue, enqueue_job=enqueue_job, aenqueue_job=aenqueue_job, enqueue_many=enqueue_many,
                 aenqueue_many=aenqueue_many):  # fmt: skip
        yield ran
