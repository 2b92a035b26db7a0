"""Run what is due, in the test's own connection and open transaction."""

from __future__ import annotations

import asyncio
import contextvars
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, cast

from proletarian.drivers.driver import Driver
from proletarian.errors import ConfigurationError, WrongCall
from proletarian.events import Log, to_logging
from proletarian.job import Job
from proletarian.outcomes import Strategy
from proletarian.queue import Queue, awaiting, blocking
from proletarian.sql.statements import Rows, Step
from proletarian.tasks import Rules, Tasks
from proletarian.testing.turns import Call, Drain, Ran
from proletarian.worker.clock import Clock
from proletarian.worker.run import Runner
from proletarian.worker.single import Hook, name

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
    failed_job: Hook | None = None,
    raise_errors: bool = True,
    most: int = MOST,
    log: Log = to_logging,
) -> list[Ran]:
    """
    Run the jobs that are due, and those that they enqueue, in your open transaction; gives the runs.

    All of it happens on your connection, in this thread, and nothing is committed: a test that
    rolls back at its end leaves nothing behind. All queues are drained, one after the other by
    name, or the one that `queue_name` names. `handler` is a `Tasks`, or a callable of a job;
    `queue`, `retry` and `failed_job` are those of a `Worker`.

    When a handler raises, its job fails as it would in production (what the handler wrote on
    this connection is undone, a retry is planned), and then **its error is raised here**; with
    `raise_errors=False` it is in the run that is returned, and the rest goes on. Jobs for later
    are left waiting: see `set_clock`. After `most` runs (default 1,000) `ConfigurationError` is
    raised, for a job may enqueue itself for ever. Raises `WrongCall` for an async connection.

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
    driver = blocking(connection, "adrain")
    work = _work(driver, connection, handler, queue_name, queue, retry, failed_job, raise_errors, most, log)

    def execute(connection: Any, step: Step | Call) -> Any:
        if isinstance(step, Call):
            return _called(step)
        assert driver.execute is not None  # noqa: S101 (`blocking` has seen to it)
        return driver.execute(connection, step)

    with draining():
        ran = work.runner.queue.carry_out(replace(driver, execute=execute), connection, work.turns())
    return _judged(ran, raise_errors)


async def adrain(
    connection: Any,
    handler: Handler,
    /,
    *,
    queue_name: str | None = None,
    queue: Queue | None = None,
    retry: Strategy | None = None,
    failed_job: Hook | None = None,
    raise_errors: bool = True,
    most: int = MOST,
    log: Log = to_logging,
) -> list[Ran]:
    """
    Run the jobs that are due, on your async connection and in the loop of the test; as `drain` otherwise.

    An `async def` handler is awaited here, so it may use what belongs to this event loop, the
    test's own session above all. A plain handler runs in this thread too.
    """
    driver = awaiting(connection, "drain")
    work = _work(driver, connection, handler, queue_name, queue, retry, failed_job, raise_errors, most, log)

    async def execute(connection: Any, step: Step | Call) -> Rows:
        if isinstance(step, Call):
            said: Any = step.function(*step.arguments)
            said = await said if inspect.isawaitable(said) else said
            return cast(Rows, said)  # whatever it is: `Drain.turns` knows what it has asked for
        assert driver.aexecute is not None  # noqa: S101 (`awaiting` has seen to it)
        return await driver.aexecute(connection, step)

    with draining():
        ran = await work.runner.queue.acarry_out(replace(driver, aexecute=execute), connection, work.turns())
    return _judged(ran, raise_errors)


@contextmanager
def draining() -> Iterator[None]:
    """Marks that jobs are being run here: an enqueue of theirs need not run its job itself."""
    token = _draining.set(True)
    try:
        yield
    finally:
        _draining.reset(token)


def is_draining() -> bool:
    """Whether a drain runs jobs at the moment, in this thread or task."""
    return _draining.get()


def _work(
    driver: Driver,
    connection: Any,
    handler: Handler,
    queue_name: str | None,
    queue: Queue | None,
    retry: Strategy | None,
    failed_job: Hook | None,
    raise_errors: bool,
    most: int,
    log: Log,
) -> Drain:
    if not callable(handler):
        raise ConfigurationError(f"a handler is a Tasks or a callable of a job, not {handler!r}")
    Rules(retry=retry)  # refuses what is no strategy
    if queue is None:
        queue = handler.queue if isinstance(handler, Tasks) else Queue()
    dialect = queue.dialect(driver.database_of(connection))
    runner = Runner(dialect, queue, handler, log=log, clock=Clock(), worker=name(), retry=retry,
                    note_progress=lambda run, text: None)  # fmt: skip
    return Drain(runner, queue_name, failed_job, most, raise_errors)


def _called(step: Call) -> Any:
    """Carry out a call in this thread; a coroutine in an event loop of its own."""
    if not inspect.iscoroutinefunction(step.function):
        return step.function(*step.arguments)
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(step.function(*step.arguments))
    raise WrongCall(
        "an `async def` handler is to be run here, on a blocking connection, inside an event loop that runs already: "
        "use `await adrain(…)` with an async connection, or call drain() from a test that is no coroutine"
    )


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
