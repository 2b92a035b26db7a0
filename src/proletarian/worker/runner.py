"""
Runs jobs: from a claimed row, through the call of its handler, to an outcome. Nothing here uses the database.
"""

from __future__ import annotations

import inspect
import time
from asyncio import CancelledError, timeout
from collections.abc import Awaitable, Callable, Collection, Coroutine, Iterable, Sequence
from contextvars import copy_context
from operator import attrgetter
from typing import Any

from proletarian.current import running
from proletarian.errors import ConfigurationError, UnreadablePayload
from proletarian.events import Log, is_wanted
from proletarian.job import Job, headers_in
from proletarian.outcomes import Outcome, Strategy
from proletarian.payloads.callables import is_generator
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.releasing import Gone
from proletarian.sql.rows import Claimed, as_text
from proletarian.tasks import Tasks
from proletarian.worker.clock import DatabaseClock
from proletarian.worker.ends import NO_RULES, UNKNOWN_FOR, Ends
from proletarian.worker.jobs import Jobs
from proletarian.worker.keys import Keys
from proletarian.worker.limits import Limits
from proletarian.worker.progress import Progress
from proletarian.worker.run import OVERDUE, TAKEN, Origin, Run

JOB_TYPE = attrgetter("job_type")


class Runner:
    """Runs jobs by their tasks."""

    def __init__(
        self,
        dialect: Dialect,
        queue: Queue,
        tasks: Tasks,
        *,
        log: Log,
        clock: DatabaseClock,
        worker: str,
        retry: Strategy | None,
        unknown_for: float = UNKNOWN_FOR,
    ) -> None:
        self.dialect = dialect
        self.queue = queue
        self.tasks = tasks
        self._own_call = type(tasks).__call__ is not Tasks.__call__  # a subclass with its own way to call a task
        self.log = log
        self.clock = clock
        self.worker = worker
        self.progress = Progress()
        self.keys = Keys()
        self.apart: Collection[str] = ()  # queues whose handlers run in child processes, coroutines too
        self.limits = Limits(tasks, queue.serializer.decode, unknown_for=unknown_for)
        self.tells_starts = is_wanted(log, "job.started")  # checked with each claim, not for each job
        self.context = copy_context()  # each run starts with a copy of it
        self.jobs = Jobs(dialect, queue)
        self.ends = Ends(
            tasks, self.jobs, log=log, clock=clock, worker=worker, retry=retry, unknown_for=unknown_for
        )  # fmt: skip
        self.origin = Origin(queue, worker, self.progress, self.jobs.for_people, dialect, self.jobs.known)

    def claimed(self, row: Claimed, worker_id: Any, now: float) -> Run:
        """A run of this row, under the rules of its task."""
        return Run(self.origin, row, worker_id, *self._how(row.job_type, row.queue), now)

    def claimed_all(self, rows: Sequence[Claimed], queue: str, worker_id: Any, now: float) -> list[Run]:
        """The same for many rows of one queue."""
        how = {job_type: self._how(job_type, queue) for job_type in set(map(JOB_TYPE, rows))}
        return [Run(self.origin, row, worker_id, *how[row.job_type], now) for row in rows]

    def _how(self, job_type: str, queue: str) -> tuple[Rules, bool]:
        """The rules of a task, and whether its jobs run in the event loop."""
        task = self.tasks.find(job_type)
        if task is None:
            return NO_RULES, False
        return task.rules, task.is_async and not task.rules.process and queue not in self.apart

    def execute(self, run: Run) -> Outcome | Coroutine[Any, Any, Outcome]:
        """
        Call the handler; returns the run's outcome, or an awaitable for it. Never raises.

        Whether there is anything to await depends on what the handler returned, not on how it was defined: a decorator
        around an `async def` is a plain function, and so is a lambda.
        """
        if run.told == TAKEN:
            return self.ends.given_back(run)
        if run.row.headers is not None and (expired := self.ends.expired(run)):
            return expired
        try:
            result = self._call(run)
            if result is None:
                return self.ends.well(run, None)
            if inspect.isawaitable(result):
                return self._awaited(run, result)
            if is_generator(result):
                raise ConfigurationError(
                    f"the handler of {run.row.job_type!r} returned a generator that was never run: a handler does "
                    f"its work and returns, without `yield`"
                )
            return self.ends.well(run, result)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            return self.ends.after(run, error)

    async def _awaited(self, run: Run, result: Awaitable[Any]) -> Outcome:
        """The outcome of a run whose handler returned an awaitable; never raises, even when it is cancelled."""
        limit = run.rules.time_limit
        try:
            async with timeout(None if limit is None else max(0.0, limit - run.ran)) as watch:
                value = await result
            return self.ends.well(run, value)
        except CancelledError as error:
            by_us = run.told is not None
            said = error if by_us else CancelledError("the handler was cancelled, but not by its worker")
            return self.ends.after(run, said)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            if isinstance(error, TimeoutError) and watch.expired():
                error = TimeoutError(f"over its time limit of {limit} s")
                self.overdue(run)
            return self.ends.after(run, error)

    def unknown(self, run: Run) -> Outcome:
        """The end of a run whose job type has no handler here; no other process is asked."""
        outcome = self.execute(run)
        assert isinstance(outcome, Outcome)  # noqa: S101 (nothing that was called can be awaited)
        return outcome

    def begun(self, run: Run) -> None:
        """The handler is about to be called, here or in another process."""
        run.started_at = time.monotonic()
        if self.tells_starts:
            due = self.jobs.time(run.row.process_at)
            waited = None if due is None else max(0.0, (self.clock.now() - due).total_seconds())
            self.log("job.started", {**self.jobs.known(run), "waited": waited})

    def _call(self, run: Run) -> Any:
        self.begun(run)
        running.set(run)  # in the run's own context, so it need not be reset
        row = run.row
        if self._own_call:
            handler: Callable[[Job], Any] = self.tasks
        elif direct := self.tasks.direct(row.job_type):
            return direct(self.queue.serializer.decode(row.payload))
        else:
            handler = self.tasks.handler(row.job_type)
        job = self.jobs.of(run)
        job.payload = self.queue.serializer.decode(row.payload)
        if row.headers and not job.headers and headers_in(row.headers) is None:
            raise UnreadablePayload(
                f"the headers are not a JSON object of strings; they start with {row.headers!r:.60}"
            )
        return handler(job)

    def overdue(self, run: Run) -> None:
        """A job has exceeded its time limit: tell it, and log it."""
        if run.told is None:
            self.log("job.overdue", {**self.jobs.known(run), "time_limit": run.rules.time_limit})
            run.tell(OVERDUE)

    def tell_cancelled(self, gone: Iterable[Gone]) -> None:
        """Log that jobs were cancelled because one that they waited for did not succeed."""
        for one in gone:
            known = {"queue": as_text(one.queue), "job_id": self.jobs.decoded(one.job_id)}
            said = {"job_type": as_text(one.job_type), "by": "", "reason": one.error.reason}
            self.log("job.cancelled", {**known, **said})

    def tell(self, run: Run, outcome: Outcome, **more: Any) -> None:
        """Log how a run ended, once that is in the database; it logs the same, whatever ran the job."""
        if outcome.new_id is not None:
            self.log("job.id_taken", {**self.jobs.known(run), "new_id": self.jobs.decoded(outcome.new_id)})
        data = self.jobs.known(run) | more
        if outcome.event == "job.succeeded":
            data["ran"] = round(run.ran, 6)
        else:
            data["error"] = outcome.error
        if outcome.event == "job.cancelled" and run.request is not None:
            data |= {"by": run.request.by, "reason": run.request.reason}
        if outcome.event in ("job.retrying", "job.given_up"):
            data["failures"] = outcome.attempts
        if outcome.delay is not None:
            data["retry_in"] = outcome.delay
        if outcome.asked_for is not None:
            data["asked_for"] = outcome.asked_for
        self.log(outcome.event, data)
