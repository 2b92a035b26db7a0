"""
What a drain does, as one plan: claim a due job, run it, acknowledge it, until nothing is due.

Each job has its `Turn`, as with `process_next_job`, but all on one connection and in one open
transaction. Between the statements there are calls for what has to run in between, so one plan
serves blocking and async connections.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from uuid import uuid4

from proletarian.errors import ConfigurationError, WrongCall
from proletarian.outcomes import FailedJob, Outcome
from proletarian.sql.living import register, unregister
from proletarian.sql.looking import queues
from proletarian.sql.statements import Plan, Statement, Text
from proletarian.sql.transactions import joined
from proletarian.worker.calls import Turns
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner
from proletarian.worker.single import A_DAY
from proletarian.worker.turn import Turn

SAVEPOINT = "proletarian_handler"


@dataclass(frozen=True, slots=True)
class Ran:
    """
    One run of a job in a test, and how it ended.

    `outcome` is succeeded, retrying, given_up, snoozed or cancelled; `error` is what the handler raised, or what it
    became. `attempt` is 1 for the first run.
    """

    job_id: Any
    job_type: str
    queue: str
    attempt: int
    outcome: str
    error: BaseException | None = field(default=None, repr=False)

    @property
    def failed(self) -> bool:
        """Whether the run failed; a job that its handler cancelled or snoozed has not."""
        return self.error is not None and self.outcome != "cancelled"


@dataclass(frozen=True)
class Drain:
    """What to run: how, which queues (None: all), up to how many jobs, and whether a failure ends it."""

    runner: Runner
    queue_name: str | None
    failed_job: FailedJob | None
    most: int
    raise_errors: bool
    carry_out: Callable[[Plan[Any]], Any]  # on its connection, while a handler runs

    def turns(self) -> Turns[list[Ran]]:
        """Run what is due until nothing is, or until a job fails."""
        dialect = self.runner.dialect
        worker_id = dialect.stored_worker(uuid4())
        ran: list[Ran] = []
        # As in `process_next_job`: in a transaction nobody sees this row; in autocommit mode it
        # protects the runs for a day, without a heartbeat.
        yield from joined(
            dialect,
            register(
                dialect, worker_id, socket.gethostname(), os.getpid(), self.queue_name or "all", (None, None), A_DAY
            ),
        )
        try:
            yield from self._until_nothing_is_due(
                Turn(self.runner, worker_id, partial(joined, dialect), self.failed_job, self.carry_out), ran
            )
        except Exception:
            with contextlib.suppress(Exception):  # the transaction may be broken: the first error matters
                yield from unregister(dialect, worker_id)
            raise
        yield from unregister(dialect, worker_id)
        return ran

    def _until_nothing_is_due(self, turn: Turn, ran: list[Ran]) -> Turns[None]:
        found = True
        while found:
            found = False
            for queue_name in (yield from self._queue_names()):
                while (run := (yield from turn.claimed(queue_name, len(ran)))) is not None:
                    if len(ran) == self.most:
                        raise ConfigurationError(
                            f"{self.most} jobs have run and more are due, the next being {run.row.job_type!r}: does "
                            f"a job enqueue itself forever? If not, raise the limit with most="
                            "…"
                        )
                    found = True
                    ran.append((yield from self._turn(turn, run)))
                    if self.raise_errors and ran[-1].failed:
                        return
            found = found or (yield from turn.released())

    def _queue_names(self) -> Turns[Sequence[str]]:
        if self.queue_name is not None:
            return [self.queue_name]
        return sorted((yield from queues(self.runner.dialect)))

    def _turn(self, turn: Turn, run: Run) -> Turns[Ran]:
        outcome = yield from self._outcome(turn, run)
        written = yield from turn.acknowledged(run, outcome)
        if written is None:
            raise transaction_ended(run) from outcome.error
        yield from turn.told(run, written)
        return Ran(
            job_id=self.runner.jobs.id_of(run.row), job_type=run.row.job_type, queue=run.row.queue,
            attempt=run.row.attempts + 1, outcome=outcome.event.removeprefix("job."), error=outcome.error,
        )  # fmt: skip

    # In production a handler has its own transaction, which is rolled back when it raises. Here it may
    # write on the test's connection: a savepoint undoes that, and on PostgreSQL it also makes the
    # transaction usable again after a database error.

    def _outcome(self, turn: Turn, run: Run) -> Turns[Outcome]:
        kept = yield from self._tried(f"SAVEPOINT {SAVEPOINT}")
        outcome = yield from turn.executed(run)
        aborts = self.runner.dialect.name == "postgresql"  # an error ends the whole transaction there
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
        yield from turn.kept_again()
        return outcome

    def _tried(self, sql: str) -> Turns[bool]:
        """Execute a statement; False if that is impossible: no transaction is open, or the handler has ended it."""
        try:
            yield Statement(Text(sql))
        except Exception:  # noqa: BLE001 (drivers share no parent class of errors)
            return False
        return True


def transaction_ended(run: Run) -> WrongCall:
    """The error for a claim that is gone."""
    return WrongCall(
        f"the handler of {run.row.job_type!r} ended the transaction of the connection that its test drains, and "
        f"with it the job's claim; leave commit and rollback to the test, or drain with a Worker, which has its own "
        f"connections"
    )
