"""
The life of a run: from a claimed row to a handler's job, and from how it ends to an outcome.

Nothing here talks to the database. Whatever a handler does, a run ends with an outcome:
a broken payload, a SystemExit, a strategy that raises cost their own job only.
"""

from __future__ import annotations

import contextlib
import inspect
import json
import time
from asyncio import CancelledError, timeout
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import msgspec

from proletarian.errors import LeaseLost, PayloadError, UnknownJobType, UnreadablePayload, WorkerLost
from proletarian.events import Log, is_wanted
from proletarian.job import Job
from proletarian.outcomes import (
    Cancel,
    Outcome,
    Snooze,
    Strategy,
    after_failure,
    after_loss,
    errors_in,
    succeeded,
    succeeded_with,
    with_error,
)
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed, Ended
from proletarian.tasks import Rules, Tasks
from proletarian.worker.clock import Clock

UNKNOWN_FOR = 3600.0  # seconds that a job of unknown type waits for a release that knows it
UNKNOWN_DELAY = 5.0  # seconds until it is looked at again

STOPPED, OVERDUE, TAKEN = "the worker stops", "the job is over its time limit", "the job was taken back"


class Run(msgspec.Struct, eq=False):
    """One claimed job in this worker's hands; to its job it is a `Lease`."""

    runner: Runner
    row: Claimed
    worker_id: Any
    rules: Rules
    is_async: bool
    claimed_at: float
    started_at: float | None = None
    ended_at: float | None = None
    job: Job | None = None  # made only for those who look at it
    told: str | None = None
    is_over: bool = False
    completed: bool = False  # job.complete() was called: the row may be gone already

    def tell(self, why: str) -> None:
        """Ask the handler to come to an end."""
        self.told = self.told or why
        if self.job is not None:
            self.job.stopping.set(self.told)

    @property
    def ran(self) -> float:
        """Seconds that it took, or has taken so far."""
        return (self.ended_at or time.monotonic()) - (self.started_at or self.claimed_at)

    # What a job offers its handler.

    def complete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it in the handler's own transaction."""
        with self._completing(result) as ended:
            self.runner.queue.complete(connection, job, ended, self.worker_id, self.runner.worker)

    async def acomplete(self, job: Job, connection: Any, result: Any) -> None:
        """The same on an async connection."""
        with self._completing(result) as ended:
            await self.runner.queue.acomplete(connection, job, ended, self.worker_id, self.runner.worker)

    @contextlib.contextmanager
    def _completing(self, result: Any) -> Iterator[Ended]:
        outcome = succeeded_with(self.row.attempts + 1, self.row.lost, result, self.runner.queue.limits)
        before, self.completed = self.completed, True
        try:
            yield Ended(self.row.run_id, outcome)
        except LeaseLost:
            self.completed = before  # there was nothing to complete; after any other error there may have been
            raise

    def progress(self, done: float, total: float | None) -> None:
        """Note how far it is."""
        self.runner.note_progress(self, json.dumps({"done": done} if total is None else {"done": done, "total": total}))


class Runner:
    """Runs jobs with one handler: a `Tasks`, or any callable of a job."""

    def __init__(
        self,
        dialect: Dialect,
        queue: Queue,
        handler: Tasks | Callable[[Job], Any],
        *,
        log: Log,
        clock: Clock,
        worker: str,
        note_progress: Callable[[Run, str], None],
        retry: Strategy | None,
        unknown_for: float = UNKNOWN_FOR,
    ) -> None:
        self.dialect = dialect
        self.queue = queue
        self.handler = handler
        self.tasks = handler if isinstance(handler, Tasks) else None
        self.log = log
        self.clock = clock
        self.worker = worker
        self.note_progress = note_progress
        self.unknown_for = unknown_for
        self.state: Mapping[str, Any] = {}
        self.tells_starts = is_wanted(log, "job.started")  # asked again with each claim, not for each job
        self._retry = retry
        self._rules = Rules()
        call = handler if inspect.isfunction(handler) or inspect.ismethod(handler) else type(handler).__call__
        self._is_async = inspect.iscoroutinefunction(call)

    def claimed(self, row: Claimed, worker_id: Any, now: float) -> Run:
        """A run of this row, with the rules of its task."""
        if self.tasks is None:
            return Run(self, row, worker_id, self._rules, self._is_async, now)
        task = self.tasks.find(row.job_type)
        if task is None:
            return Run(self, row, worker_id, self._rules, False, now)
        return Run(self, row, worker_id, task.rules, task.is_async, now)

    def job_of(self, run: Run) -> Job:
        """What the handler gets to see, but for the payload; made once."""
        if run.job is None:
            row = run.row
            run.job = Job(
                job_id=self.job_id(row),
                queue=row.queue,
                job_type=row.job_type,
                attempts=row.attempts + 1,
                enqueued_at=self._time(row.enqueued_at),
                process_at=self._time(row.process_at),
                priority=row.priority,
                headers=headers_in(row.headers) or {},
                lost=row.lost,
                state=self.state,
                _lease=run,
            )
            if run.told:
                run.job.stopping.set(run.told)
        return run.job

    def job_for_people(self, run: Run) -> Job:
        """The job with as much of its payload as can be read: for strategies and hooks."""
        job = self.job_of(run)
        if job.payload is None:
            with contextlib.suppress(Exception):  # a serializer of the user's may raise anything
                job.payload = self.queue.serializer.decode(run.row.payload)
        return job

    # What another hand has written into the row may not be what we would have written. It costs
    # the job at the most, so none of these raises.

    def job_id(self, row: Claimed) -> Any:
        """The job's id; as it is stored, if it is none of this queue's kind."""
        try:
            return self.queue.job_ids.decode(self.dialect.loaded_id(row.job_id))
        except Exception:  # noqa: BLE001 (a strategy of the user's may raise anything)
            return row.job_id

    def _time(self, stored: Any) -> datetime | None:
        try:
            return self.dialect.loaded_time(stored)
        except (AttributeError, TypeError, ValueError):
            return None

    # Running.

    def execute(self, run: Run) -> Outcome:
        """Run a plain handler to its outcome; never raises."""
        try:
            result = self._call(run)
            return self._well(run, result)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            return self.after(run, error)

    async def aexecute(self, run: Run) -> Outcome:
        """Run a coroutine to its outcome; never raises, not even when it is cancelled."""
        limit = run.rules.time_limit
        try:
            async with timeout(limit) as watch:
                result = await _settled(self._call(run))
            return self._well(run, result)
        except CancelledError as error:
            by_us = run.told is not None
            return self.after(run, error if by_us else CancelledError("the handler was cancelled, not by its worker"))
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            if isinstance(error, TimeoutError) and watch.expired():
                error = TimeoutError(f"over its time limit of {limit} s")
                self.overdue(run)
            return self.after(run, error)

    def _call(self, run: Run) -> Any:
        run.started_at = time.monotonic()
        row = run.row
        if self.tells_starts:
            due = self._time(row.process_at)
            waited = None if due is None else max(0.0, (self.clock.now() - due).total_seconds())
            self.log("job.started", {**self.known(run), "waited": waited})
        if self.tasks is None:
            handler = self.handler
        elif direct := self.tasks.direct(row.job_type):
            return direct(self.queue.serializer.decode(row.payload))
        else:
            handler = self.tasks.handler(row.job_type)
        job = self.job_of(run)
        job.payload = self.queue.serializer.decode(row.payload)
        if row.headers and not job.headers and headers_in(row.headers) is None:
            raise UnreadablePayload(f"the headers are not a JSON object of texts; they start with {row.headers!r:.60}")
        return handler(job)

    def overdue(self, run: Run) -> None:
        """A job is over its time limit: tell it, and the log."""
        if run.told is None:
            self.log("job.overdue", {**self.known(run), "time_limit": run.rules.time_limit})
            run.tell(OVERDUE)

    # How it ended.

    def _well(self, run: Run, result: Any) -> Outcome:
        if result is None or not run.rules.keep_result:
            return succeeded(run.row.attempts + 1, run.row.lost)
        try:
            return succeeded_with(run.row.attempts + 1, run.row.lost, result, self.queue.limits)
        except PayloadError as error:
            return self._failed(run, error, final=True)

    def after(self, run: Run, error: BaseException) -> Outcome:
        """The handler raised, or could not be called; never raises."""
        try:
            return self._after(run, error)
        except Exception as broken:  # noqa: BLE001 (a row that nobody foresaw: the job ends, the thread goes on)
            row = run.row
            errors = with_error(None, broken, attempt=row.attempts + 1, worker=self.worker, at=self.clock.now())
            return Outcome("job.given_up", "failure", row.attempts + 1, row.lost, errors=errors, error=broken)

    def _after(self, run: Run, error: BaseException) -> Outcome:
        row = run.row
        if isinstance(error, UnknownJobType) and self.tasks is not None and row.job_type not in self.tasks:
            return self._unknown(run, error)
        if isinstance(error, Snooze):
            return Outcome("job.snoozed", attempts=row.attempts, lost=row.lost, delay=error.seconds)
        if isinstance(error, Cancel):
            errors = self._noted(run, error)
            return Outcome("job.cancelled", "cancelled", row.attempts + 1, row.lost, errors=errors, error=error)
        if run.told in (STOPPED, TAKEN):
            return Outcome("job.released", attempts=row.attempts, lost=row.lost, error=error)
        return self._failed(run, error, final=isinstance(error, UnreadablePayload))

    def _failed(self, run: Run, error: BaseException, *, final: bool) -> Outcome:
        row = run.row
        self.log("job.failed", {**self.known(run), "error": error, "ran": round(run.ran, 6)})
        delay = None
        if not final:
            delay, error = after_failure(run.rules.retry or self._retry, self.job_for_people(run), error)
        errors = self._noted(run, error)
        if delay is None:
            return Outcome("job.given_up", "failure", row.attempts + 1, row.lost, errors=errors, error=error)
        return Outcome("job.retrying", None, row.attempts + 1, row.lost, delay, errors, error=error)

    def _unknown(self, run: Run, error: BaseException) -> Outcome:
        """A newer release may know this job type: let the job wait, and give it up visibly in the end."""
        row = run.row
        seen = [entry for entry in errors_in(row.errors) if entry.get("type") == "UnknownJobType"]
        errors = None
        if not seen:
            errors = self._noted(run, error)
        elif self.clock.now() - datetime.fromisoformat(str(seen[0].get("at"))) >= timedelta(seconds=self.unknown_for):
            return self._failed(run, error, final=True)
        return Outcome("job.snoozed", None, row.attempts, row.lost, UNKNOWN_DELAY, errors, error=error)

    def lost(self, row: Claimed, worker: str) -> Outcome:
        """What becomes of a run whose worker died: it runs again, unless that happened too often."""
        lost = row.lost + 1
        task = self.tasks.find(row.job_type) if self.tasks is not None else None
        final = after_loss(lost, (task.rules if task else self._rules).lost_limit, worker)
        note = final or WorkerLost(f"its worker {worker} died under it")
        errors = with_error(row.errors, note, attempt=row.attempts + 1, worker=worker, at=self.clock.now())
        if final is None:
            return Outcome("job.released", None, row.attempts, lost, errors=errors, error=note)
        return Outcome("job.given_up", "failure", row.attempts, lost, errors=errors, error=final)

    def _noted(self, run: Run, error: BaseException) -> str:
        row = run.row
        return with_error(row.errors, error, attempt=row.attempts + 1, worker=self.worker, at=self.clock.now())

    def known(self, run: Run) -> dict[str, Any]:
        """What every event about a run says."""
        row = run.row
        return {"queue": row.queue, "job_id": self.job_id(row), "job_type": row.job_type, "attempt": row.attempts + 1}


def headers_in(text: str | None) -> Mapping[str, str] | None:
    """
    The headers that a row holds, or None if they are no such thing.

    >>> headers_in('{"tenant": "a"}'), headers_in(None), headers_in("garbage")
    ({'tenant': 'a'}, {}, None)
    """
    if not text:
        return {}
    try:
        headers = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return headers if isinstance(headers, dict) and all(isinstance(value, str) for value in headers.values()) else None


async def _settled(result: Any) -> Any:
    """The value of a handler's result, awaited if that is what it asks for."""
    return await result if isinstance(result, Awaitable) else result
