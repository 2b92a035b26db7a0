"""Run what is due, in the test's own connection and open transaction."""

from __future__ import annotations

import contextvars
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from proletarian.drivers.door import Door, awaiting, blocking
from proletarian.events import Log
from proletarian.job import Job
from proletarian.outcomes import FailedJob, Strategy
from proletarian.queue import Queue
from proletarian.sql.statements import Rows, Step
from proletarian.tasks import Tasks
from proletarian.testing.turns import Drain, Ran
from proletarian.worker.calls import Call, local
from proletarian.worker.runner import Runner
from proletarian.worker.single import Means, means_of

Handler = Tasks | Callable[[Job], Any]

MOST = 1000  # jobs of one drain

_draining = contextvars.ContextVar("proletarian_draining", default=False)


def drain(
    connection: Any,
    handler: Handler,
    /,
    *,
    queue_name: str | None = None,
    queue: Queue | None = None,
    retry: Strategy | None = None,
    failed_job: FailedJob | None = None,
    raise_errors: bool = True,
    state: Mapping[str, Any] | None = None,
    most: int = MOST,
    log: Log | None = None,
) -> list[Ran]:
    """
    Run the jobs that are due, and those that they enqueue, in your open transaction; returns the runs.

    All of it happens on your connection, in this thread, and nothing is committed: a test that
    rolls back at its end leaves nothing behind. All queues are drained, one after another by
    name, or the one that `queue_name` names; a paused queue is left alone. `handler` is a `Tasks`, or a
    callable of a job; `queue`, `retry`, `failed_job` and `log` are those of a `Worker`. No `lifespan` is entered:
    `state` is the `job.state` of the handlers.

    When a handler raises, its job fails as it would in production (what the handler wrote on this connection is undone,
    a retry is planned), and then **its error is raised here**; with `raise_errors=False` it is in the run that is
    returned, and the drain goes on. Jobs for later are left waiting: see `set_clock`. After `most` runs (default 1,000)
    `ConfigurationError` is raised, because a job may enqueue itself forever. Raises `WrongCall` for an async
    connection.

    >>> import sqlite3
    >>> from proletarian.testing import create_tables
    >>> tasks = Tasks()
    >>> @tasks.task
    ... def greet(name: str) -> None:
    ...     print("hello,", name)
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> job_id = greet.enqueue(connection, name="Ada")
    >>> [run] = drain(connection, tasks)
    hello, Ada
    >>> run.outcome
    'succeeded'
    >>> connection.close()
    """
    door = blocking(connection, "adrain")
    means = means_of(handler, queue, retry, failed_job, state, log)
    work = Drain(_runner(means, door), queue_name, means.failed_job, most, raise_errors, door.carry_out)

    with draining():
        ran = door.carry_out(local(work.turns()))
    return _judged(ran, raise_errors)


async def adrain(
    connection: Any,
    handler: Handler,
    /,
    *,
    queue_name: str | None = None,
    queue: Queue | None = None,
    retry: Strategy | None = None,
    failed_job: FailedJob | None = None,
    raise_errors: bool = True,
    state: Mapping[str, Any] | None = None,
    most: int = MOST,
    log: Log | None = None,
) -> list[Ran]:
    """
    Run the jobs that are due, on your async connection and in the loop of the test; otherwise like `drain`.

    An `async def` handler is awaited here, so it may use what belongs to this event loop, the
    test's own session above all. A plain handler runs in this thread too.
    """
    door = awaiting(connection, "drain")
    means = means_of(handler, queue, retry, failed_job, state, log)
    work = Drain(_runner(means, door), queue_name, means.failed_job, most, raise_errors, door.acarry_out)

    async def execute(connection: Any, step: Step | Call) -> Rows:
        if isinstance(step, Call):
            return cast(Rows, await step.in_this_loop())  # whatever it is: `Drain.turns` knows what it asked for
        assert door.driver.aexecute is not None  # noqa: S101 (`awaiting` has seen to it)
        return await door.driver.aexecute(connection, step)

    with draining():
        ran = await Door(replace(door.driver, aexecute=execute), connection).acarry_out(work.turns())
    return _judged(ran, raise_errors)


@contextmanager
def draining() -> Iterator[None]:
    """Mark that jobs are running here, so that their enqueues do not run jobs themselves."""
    token = _draining.set(True)
    try:
        yield
    finally:
        _draining.reset(token)


def is_draining() -> bool:
    """Whether a drain is running jobs at the moment, in this thread or task."""
    return _draining.get()


def _runner(means: Means, door: Door) -> Runner:
    return means.runner(means.queue.dialect(door.database))


def _judged(ran: list[Ran], raise_errors: bool) -> list[Ran]:
    if raise_errors and ran and ran[-1].failed:
        last = ran[-1]
        assert last.error is not None  # noqa: S101 (that is what failing means)
        last.error.add_note(
            f"raised by the job {last.job_type!r} ({last.job_id}) in its run {last.attempt}, which a test drained; "
            f"the job is {last.outcome.replace('_', ' ')}"
        )
        if isinstance(last.error, Exception):
            raise last.error
        raise AssertionError(f"the handler of {last.job_type!r} raised {last.error!r}") from last.error
    return ran
