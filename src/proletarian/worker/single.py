"""Exactly one job, in the calling thread."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from uuid import uuid4

from proletarian.connections.database import Database
from proletarian.drivers.door import Door
from proletarian.drivers.driver import cut_after
from proletarian.drivers.registry import driver_of, redacted
from proletarian.errors import ConfigurationError, DatabaseUnavailable, WrongCall
from proletarian.events import Log, guarded, to_logging
from proletarian.job import Job
from proletarian.outcomes import FailedJob, Strategy
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.sql.dialect import Dialect
from proletarian.sql.living import register, unregister
from proletarian.sql.statements import Plan, Rows, Step, run
from proletarian.sql.transactions import joined
from proletarian.tasks import Tasks
from proletarian.worker.calls import Turns, local
from proletarian.worker.clock import DatabaseClock
from proletarian.worker.ending import Ending
from proletarian.worker.handlers import tasks_of
from proletarian.worker.keeping.keeper import Keeper
from proletarian.worker.keeping.kept import Kept
from proletarian.worker.keeping.membership import Care, Membership
from proletarian.worker.keeping.processes import process_here
from proletarian.worker.runner import Runner
from proletarian.worker.turn import Turn, alone

T = TypeVar("T")

A_DAY = 86400.0
ANSWER = 30.0  # seconds that one answer may take, waits for locks included


def process_next_job(
    where: Any,
    handler: Tasks | Callable[[Job], Any],
    /,
    *,
    queue_name: str | None = None,
    queue: Queue | None = None,
    retry: Strategy | None = None,
    failed_job: FailedJob | None = None,
    state: Mapping[str, Any] | None = None,
    log: Log | None = None,
) -> bool:
    """
    Run exactly one due job in this thread; returns whether there was one.

    For tests, a REPL, a cron job. `where` is a database URL: then the job is claimed, run and acknowledged as by a
    worker, with a heartbeat. Or it is your connection: then everything happens on it and in its open transaction, and
    nothing is committed for you. `retry`, `failed_job` and `log` are those of `Worker`, and by default those of the
    `Tasks`. A paused queue has no job to run. No `lifespan` is entered; `state` is the `job.state` of the handler.

    Raises `SchemaOutOfDate`, `UnknownConnection`, `WrongCall`, and with a URL `DatabaseUnavailable`: unlike a worker,
    it does not wait for a database that is away or has not answered for half a minute.
    """
    means = means_of(handler, queue, retry, failed_job, state, log)
    one = _by_url if isinstance(where, str) else _on_connection
    return one(where, queue_name or means.queue.default_queue, means)


def means_of(
    handler: Tasks | Callable[[Job], Any],
    queue: Queue | None,
    retry: Strategy | None,
    failed_job: FailedJob | None,
    state: Mapping[str, Any] | None,
    log: Log | None,
) -> Means:
    """What was passed, or else what the `Tasks` say."""
    tasks = tasks_of(handler)
    Rules(retry=retry)  # refuses what is not a strategy
    if state is not None and not isinstance(state, Mapping):
        raise ConfigurationError(f"state is a mapping, what a lifespan yields, not {state!r}")
    heard = guarded(log or tasks.log or to_logging)
    return Means(tasks, queue or tasks.queue, retry, failed_job or tasks.failed_job, state or {}, heard)


@dataclass(frozen=True)
class Means:
    """What is used to run a job."""

    tasks: Tasks
    queue: Queue
    retry: Strategy | None
    failed_job: FailedJob | None
    state: Mapping[str, Any]
    log: Log

    def runner(self, dialect: Dialect) -> Runner:
        """A runner that uses them."""
        runner = Runner(
            dialect, self.queue, self.tasks, log=self.log, clock=DatabaseClock(), worker=name(), retry=self.retry
        )  # fmt: skip
        runner.jobs.state = self.state
        return runner


def _by_url(url: str, queue_name: str, means: Means) -> bool:
    database = Database(url, means.queue)

    runner = means.runner(database.dialect)
    ending = Ending(lambda event, data: None)  # here, a failure is raised
    membership = Membership(Care())
    keeper = Keeper(
        database, runner, membership, Kept(), ending, queues=f"{queue_name}=1", on_error=lambda error: True,
        has_pump=False,
    )  # fmt: skip
    connection = database.connect()  # first, because a keeper would wait for a database that is away

    def execute(step: Step) -> Rows:
        with cut_after(ANSWER, connection):
            return connection.execute(step)

    def carry_out(plan: Plan[T]) -> T:
        return run(plan, execute)

    keeper.start()
    try:
        registered = keeper.registered.wait(ANSWER)
        if ending.failure is not None:
            raise ending.failure
        if not registered or membership.identity is None:
            raise DatabaseUnavailable(f"{redacted(url)} has not answered for {ANSWER:g} s: no job was claimed")
        turn = Turn(runner, membership.identity.stored, alone, means.failed_job, carry_out)
        return carry_out(local(_one(turn, queue_name)))
    except Exception as error:
        better = database.answer_explained(error)
        if better is error:
            raise
        raise better from error
    finally:
        connection.close()
        keeper.close()  # without its row in `worker`, peers take back what was left


def _on_connection(connection: Any, queue_name: str, means: Means) -> bool:
    driver = driver_of(connection)
    if driver.execute is None:
        raise WrongCall(
            f"process_next_job runs in this thread, and {driver.connection} is an async connection: "
            "pass a blocking one, or a database URL"
        )
    door = Door(driver, connection)
    dialect = means.queue.dialect(door.database)
    runner = means.runner(dialect)
    worker_id = dialect.stored_worker(uuid4())

    fit = partial(joined, dialect)
    carry_out = door.carry_out

    # Nothing sends heartbeats here. In a transaction nobody sees this row; in autocommit mode it protects the run for a
    # day, or until a worker on this machine sees that the process has ended.
    who = (socket.gethostname(), os.getpid(), queue_name)
    carry_out(fit(register(dialect, worker_id, *who, (None, None), A_DAY, process=process_here())))
    try:
        return carry_out(local(_one(Turn(runner, worker_id, fit, means.failed_job, carry_out), queue_name)))
    finally:
        carry_out(fit(unregister(dialect, worker_id)))


def _one(turn: Turn, queue_name: str) -> Turns[bool]:
    run = yield from turn.claimed(queue_name)
    if run is None and (yield from turn.released()):
        run = yield from turn.claimed(queue_name)
    if run is None:
        return False
    outcome = yield from turn.executed(run)
    written = yield from turn.acknowledged(run, outcome)
    if written is None:
        turn.runner.log("job.lease_lost", turn.runner.jobs.known(run))
    else:
        yield from turn.told(run, written)
    return True


def name() -> str:
    """The name, for people, of what ran the job."""
    return f"{socket.gethostname()}:{os.getpid()}"
