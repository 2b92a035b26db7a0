"""
What a drain does, as one plan: claim a due job, run it, acknowledge it, until nothing is due.

It is the life that a worker gives a job, with its own plans and its own `Runner`, but on one
connection and in one open transaction. Between the statements it yields a `Call` for what has
to run there; so one plan serves blocking and async connections.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from proletarian.errors import ConfigurationError, WrongCall
from proletarian.events import Log
from proletarian.job import Job
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Ended
from proletarian.sql.statements import Statement, Text
from proletarian.worker.run import Run, Runner
from proletarian.worker.single import A_DAY

T = TypeVar("T")
Turns = Generator[Any, Any, T]

SAVEPOINT = "proletarian_handler"


@dataclass(frozen=True, slots=True)
class Call:
    """A step that is no statement: call this, and await what it gives if it asks for it."""

    function: Callable[..., Any]
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Ran:
    """
    One run of a job in a test, and how it ended.

    `outcome` is succeeded, retrying, given_up, snoozed or cancelled; `error` is what the
    handler raised, or what became of it. `attempt` is 1 for the first run.
    """

    job_id: Any
    job_type: str
    queue: str
    attempt: int
    outcome: str
    error: BaseException | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether it went wrong: not if the handler cancelled or snoozed the job by itself."""
        return self.error is not None and self.outcome != "cancelled"


@dataclass(frozen=True)
class Drain:
    """What to run: how, which queues (None: all), up to how many jobs, and whether a failure is the end."""

    runner: Runner
    queue_name: str | None
    failed_job: Callable[[Job, BaseException], Any] | None
    most: int
    raise_errors: bool

    @property
    def log(self) -> Log:
        """Where events go."""
        return self.runner.log

    def turns(self) -> Turns[list[Ran]]:
        """Run what is due until nothing is, or until a job fails."""
        dialect = self.runner.dialect
        worker_id = dialect.stored_worker(uuid4())
        ran: list[Ran] = []
        # As for `process_next_job`: in a transaction nobody sees this row; in autocommit mode it
        # protects the runs for a day, without a heartbeat.
        yield from dialect.joined(
            dialect.register(worker_id, socket.gethostname(), os.getpid(), self.queue_name or "all", None, A_DAY)
        )
        try:
            yield from self._until_nothing_is_due(worker_id, ran)
        except Exception:
            with contextlib.suppress(Exception):  # the transaction may be broken: the first error is the one that tells
                yield from dialect.unregister(worker_id)
            raise
        yield from dialect.unregister(worker_id)
        return ran

    def _until_nothing_is_due(self, worker_id: Any, ran: list[Ran]) -> Turns[None]:
        found = True
        while found:
            found = False
            for queue_name in (yield from self._queue_names()):
                while (run := (yield from self._claimed(worker_id, queue_name, len(ran)))) is not None:
                    if len(ran) == self.most:
                        raise ConfigurationError(
                            f"{self.most} jobs have run and more are due, the next being {run.row.job_type!r}: does a "
                            "job enqueue itself for ever? If not, raise the limit with most=…"
                        )
                    found = True
                    ran.append((yield from self._turn(run, worker_id)))
                    if self.raise_errors and ran[-1].failed:
                        return

    def _queue_names(self) -> Turns[Sequence[str]]:
        if self.queue_name is not None:
            return [self.queue_name]
        rows = yield Statement(self.runner.dialect.sql["queues"])
        return sorted(row[0] for row in rows)

    def _claimed(self, worker_id: Any, queue_name: str, first_run: int) -> Turns[Run | None]:
        dialect, now = self.runner.dialect, self.runner.queue.now()
        if now is not None:
            self.runner.clock.set(now)
        rows = yield from dialect.joined(dialect.claim(worker_id, {queue_name: 1}, first_run, now, None))
        return self.runner.claimed(rows[0], worker_id, time.monotonic()) if rows else None

    def _turn(self, run: Run, worker_id: Any) -> Turns[Ran]:
        runner = self.runner
        outcome = yield from self._outcome(run)
        plan = runner.dialect.settle(worker_id, runner.worker, [Ended(run.row.run_id, outcome)], runner.queue.now())
        ours = yield from runner.dialect.joined(plan)
        if not ours and not run.completed:
            raise transaction_ended(run) from outcome.error
        self.log(outcome.event, runner.known(run) | {"error": outcome.error})
        if outcome.event == "job.given_up" and self.failed_job is not None and outcome.error is not None:
            yield Call(self.failed_job, (runner.job_for_people(run), outcome.error))
        return Ran(
            job_id=runner.job_id(run.row), job_type=run.row.job_type, queue=run.row.queue,
            attempt=run.row.attempts + 1, outcome=outcome.event.removeprefix("job."), error=outcome.error,
        )  # fmt: skip

    # In production a handler has a transaction of its own, which is rolled back when it raises. Here
    # it may write on the test's connection: a savepoint undoes that, and on PostgreSQL it is what
    # makes the transaction usable again after an error of the database's.

    def _outcome(self, run: Run) -> Turns[Outcome]:
        runner = self.runner
        kept = yield from self._tried(f"SAVEPOINT {SAVEPOINT}")
        outcome: Outcome = yield Call(runner.aexecute if run.is_async else runner.execute, (run,))
        aborts = runner.dialect.name == "postgresql"  # an error ends the whole transaction there
        if not kept:
            return outcome  # PostgreSQL in autocommit mode: there is nothing to undo
        if outcome.event == "job.succeeded":
            if not aborts:
                yield from self._tried(f"RELEASE SAVEPOINT {SAVEPOINT}")
            return outcome
        undone = yield from self._tried(f"ROLLBACK TO SAVEPOINT {SAVEPOINT}")
        if aborts and not undone:
            raise transaction_ended(run) from outcome.error
        if not aborts:
            yield from self._tried(f"RELEASE SAVEPOINT {SAVEPOINT}")
        return outcome

    def _tried(self, sql: str) -> Turns[bool]:
        """Execute it; False if that is not possible here: no transaction is open, or the handler has ended it."""
        try:
            yield Statement(Text(sql))
        except Exception:  # noqa: BLE001 (drivers share no parent class of errors)
            return False
        return True


def transaction_ended(run: Run) -> WrongCall:
    """What to say when a job's claim is not there any more."""
    return WrongCall(
        f"the handler of {run.row.job_type!r} has ended the transaction of the connection that its test drains on, and "
        "the job's claim went with it; let the handler leave commit and rollback to the test, or drain with a Worker, "
        "which has connections of its own"
    )
