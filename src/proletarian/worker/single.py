"""Exactly one job, in the calling thread."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from proletarian.database import Database
from proletarian.drivers.registry import driver_of
from proletarian.errors import ConfigurationError, WrongCall
from proletarian.events import Log, to_logging
from proletarian.job import Job
from proletarian.outcomes import Strategy
from proletarian.queue import Queue
from proletarian.sql.rows import Ended
from proletarian.sql.statements import Plan
from proletarian.tasks import Tasks
from proletarian.worker.clock import Clock
from proletarian.worker.keeper import Care, Keeper
from proletarian.worker.run import Run, Runner

T = TypeVar("T")
Hook = Callable[[Job, BaseException], Any]

A_DAY = 86400.0


def process_next_job(
    where: Any,
    handler: Tasks | Callable[[Job], Any],
    /,
    *,
    queue_name: str | None = None,
    queue: Queue | None = None,
    retry: Strategy | None = None,
    failed_job: Hook | None = None,
    log: Log = to_logging,
) -> bool:
    """
    Run exactly one due job in this thread; says whether there was one.

    For tests, a REPL, a cron job. `where` is a database URL: the job is claimed, run and
    acknowledged as a worker would, a heartbeat included. Or it is your connection: then all
    of it happens on it and in its open transaction, and nothing is committed for you.
    `retry` and `failed_job` are those of `Worker`.

    Raises `SchemaOutOfDate`, `UnknownConnection`, `WrongCall`.
    """
    if queue is None:
        queue = handler.queue if isinstance(handler, Tasks) else Queue()
    if not callable(handler):
        raise ConfigurationError(f"a handler is a Tasks or a callable of a job, not {handler!r}")
    one = _by_url if isinstance(where, str) else _on_connection
    return one(where, handler, queue_name or queue.default_queue, queue, retry, failed_job, log)


def _by_url(
    url: str,
    handler: Tasks | Callable[[Job], Any],
    queue_name: str,
    queue: Queue,
    retry: Strategy | None,
    failed_job: Hook | None,
    log: Log,
) -> bool:
    database = Database(url, queue)
    clock = Clock()

    def note_progress(run: Run, text: str) -> None:
        keeper.note_progress(run.worker_id, run.row.run_id, text)

    runner = Runner(
        database.dialect, queue, handler, log=log, clock=clock, worker=name(), retry=retry, note_progress=note_progress
    )
    failures: list[BaseException] = []
    keeper = Keeper(
        database, queues=f"{queue_name}=1", care=Care(), log=log, clock=clock, decide=runner.lost,
        recovered=lambda done: None, declared_dead=lambda: None, failed=failures.append,
        on_error=lambda error: True,
    )  # fmt: skip
    keeper.start()
    try:
        keeper.registered.wait()
        if failures or keeper.identity is None:
            raise failures[0]
        connection = database.connect()
        try:
            return _one(runner, lambda plan: connection.run(plan()), keeper.identity.stored, queue_name, failed_job)
        finally:
            connection.close()
    finally:
        keeper.close()  # without its row in `worker`, colleagues take back what was left


def _on_connection(
    connection: Any,
    handler: Tasks | Callable[[Job], Any],
    queue_name: str,
    queue: Queue,
    retry: Strategy | None,
    failed_job: Hook | None,
    log: Log,
) -> bool:
    driver = driver_of(connection)
    if driver.execute is None:
        raise WrongCall(
            f"process_next_job runs in this thread, and {driver.connection} is an async connection: "
            "pass a blocking one, or a database URL"
        )
    dialect = queue.dialect(driver.database_of(connection))
    runner = Runner(dialect, queue, handler, log=log, clock=Clock(), worker=name(), retry=retry,
                    note_progress=lambda run, text: None)  # fmt: skip
    worker_id = dialect.stored_worker(uuid4())

    def carry_out(plan: Callable[[], Plan[T]]) -> T:
        return queue.carry_out(driver, connection, dialect.joined(plan()))

    # Nothing keeps a heartbeat here. In a transaction nobody sees this row; in autocommit mode it
    # protects the run for a day.
    carry_out(lambda: dialect.register(worker_id, socket.gethostname(), os.getpid(), queue_name, None, A_DAY))
    try:
        return _one(runner, carry_out, worker_id, queue_name, failed_job)
    finally:
        carry_out(lambda: dialect.unregister(worker_id))


class CarryOut(Protocol):
    """Carries out a plan, made anew for each try."""

    def __call__(self, plan: Callable[[], Plan[T]], /) -> T: ...


def _one(runner: Runner, carry_out: CarryOut, worker_id: Any, queue_name: str, failed_job: Hook | None) -> bool:
    dialect, now = runner.dialect, runner.queue.now()
    rows = carry_out(lambda: dialect.claim(worker_id, {queue_name: 1}, 0, now, None))
    if not rows:
        return False
    run = runner.claimed(rows[0], worker_id, time.monotonic())
    outcome = asyncio.run(runner.aexecute(run)) if run.is_async else runner.execute(run)
    ended = [Ended(run.row.run_id, outcome)]
    ours = carry_out(lambda: dialect.settle(worker_id, runner.worker, ended, runner.queue.now()))
    if not ours and not run.completed:
        runner.log("job.lease_lost", runner.known(run))
        return True
    runner.log(outcome.event, runner.known(run) | {"error": outcome.error})
    if outcome.event == "job.given_up" and failed_job is not None and outcome.error:
        failed_job(runner.job_for_people(run), outcome.error)
    return True


def name() -> str:
    """Who ran it, for people."""
    return f"{socket.gethostname()}:{os.getpid()}"
