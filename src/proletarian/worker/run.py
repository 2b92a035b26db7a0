"""
The life of a run: from a claimed row to a handler's job, and from how it ends to an outcome.

Nothing here talks to the database. Whatever a handler does, a run ends with an outcome:
a broken payload, a SystemExit, a strategy that raises cost their own job only.
"""

from __future__ import annotations

import inspect
import json
import time
from asyncio import CancelledError, timeout
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from proletarian.errors import PayloadError, UnknownJobType, UnreadablePayload, WorkerLost
from proletarian.events import Log
from proletarian.job import Job
from proletarian.outcomes import Cancel, Outcome, Snooze, Strategy, after_failure, after_loss, with_error
from proletarian.queue import Queue, success
from proletarian.sql.dialect import Claimed, Dialect, Ended
from proletarian.tasks import Rules, Tasks
from proletarian.worker.clock import Clock

UNKNOWN_FOR = 3600.0  # seconds that a job of unknown type waits for a release that knows it
UNKNOWN_DELAY = 5.0  # seconds until a job of unknown type is looked at again

STOPPED, OVERDUE, TAKEN = "the worker stops", "the job is over its time limit", "the job was taken back"


class Run:
    """One claimed job in this worker's hands."""

    __slots__ = ("claimed_at", "completed", "is_async", "is_over", "job", "row", "rules", "worker_id")

    def __init__(self, row: Claimed, worker_id: Any, rules: Rules, is_async: bool, claimed_at: float) -> None:
        self.row = row
        self.worker_id = worker_id
        self.rules = rules
        self.is_async = is_async
        self.claimed_at = claimed_at
        self.job: Job | None = None
        self.is_over = False
        self.completed = False  # job.complete() was called: the row may be gone already

    def tell(self, why: str) -> None:
        """Ask the handler to come to an end."""
        if self.job is not None:
            self.job.stopping.set(why)


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
        self.unknown_for = unknown_for
        self.state: Mapping[str, Any] = {}
        self._note_progress = note_progress
        self._retry = retry
        self._rules = Rules()
        call = handler if inspect.isfunction(handler) or inspect.ismethod(handler) else type(handler).__call__
        self._is_async = inspect.iscoroutinefunction(call)

    def claimed(self, row: Claimed, worker_id: Any, now: float) -> Run:
        """A run of this row, with the rules of its task."""
        if self.tasks is None:
            return Run(row, worker_id, self._rules, self._is_async, now)
        task = self.tasks.get(row.job_type)
        if task is None:
            return Run(row, worker_id, self._rules, False, now)
        return Run(row, worker_id, task.rules, task.is_async, now)

    def rules_of(self, job_type: str) -> Rules:
        """How to treat jobs of this type."""
        task = self.tasks.get(job_type) if self.tasks is not None else None
        return self._rules if task is None else task.rules

    def job_of(self, run: Run, payload: Any) -> Job:
        """What the handler gets to see."""
        row, dialect = run.row, self.dialect
        job = Job(
            job_id=self.queue.job_ids.decode(dialect.loaded_id(row.job_id)),
            queue=row.queue,
            job_type=row.job_type,
            payload=payload,
            attempts=row.attempts + 1,
            enqueued_at=dialect.loaded_time(row.enqueued_at),
            process_at=dialect.loaded_time(row.process_at),
            priority=row.priority,
            headers=json.loads(row.headers) if row.headers else {},
            lost=row.lost,
            state=self.state,
        )
        job._complete = lambda job, connection, result: self._complete(run, job, connection, result)
        job._acomplete = lambda job, connection, result: self._acomplete(run, job, connection, result)
        job._progress = lambda job, done, total: self._progress(run, done, total)
        return job

    # Running.

    def execute(self, run: Run) -> Outcome:
        """Run a plain handler to its outcome; never raises."""
        try:
            result = self._call(run)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            return self.after(run, error)
        return self.well(run, result)

    async def aexecute(self, run: Run) -> Outcome:
        """Run a coroutine to its outcome; never raises, not even when it is cancelled."""
        limit = run.rules.time_limit
        try:
            if limit is None:
                result = await _settled(self._call(run))
            else:
                async with timeout(limit):
                    result = await _settled(self._call(run))
        except CancelledError:
            if run.job is None or not run.job.stopping.is_set():
                error = CancelledError("the handler was cancelled, though not by its worker")
            return self.after(run, error)
        except BaseException as error:  # noqa: BLE001 (a handler may raise anything, SystemExit too)
            if isinstance(error, TimeoutError) and limit is not None and _seconds_since(run) >= limit:
                self.overdue(run)
            return self.after(run, error)
        return self.well(run, result)

    def _call(self, run: Run) -> Any:
        run.job = self.job_of(run, None)
        handler = self.handler if self.tasks is None else self.tasks.handler(run.row.job_type)
        run.job.payload = self.queue.serializer.decode(run.row.payload)
        waited = self.clock.now() - run.job.process_at if run.job.process_at else timedelta(0)
        self.log("job.started", {**known(run), "waited": round(max(0.0, waited.total_seconds()), 6)})
        return handler(run.job)

    def overdue(self, run: Run) -> None:
        """A job is over its time limit: tell it, and the log."""
        if run.job is not None and not run.job.stopping.is_set():
            self.log("job.overdue", {**known(run), "time_limit": run.rules.time_limit})
            run.tell(OVERDUE)

    # How it ended.

    def well(self, run: Run, result: Any) -> Outcome:
        """The handler returned."""
        assert run.job is not None  # noqa: S101
        try:
            return success(run.job, run.row.lost, result if run.rules.keep_result else None)
        except (TypeError, ValueError, RecursionError) as error:
            wrong = PayloadError(f"what the handler returned cannot be kept as JSON: {error}")
            wrong.__cause__ = error
            return self._failed(run, wrong, final=True)

    def after(self, run: Run, error: BaseException) -> Outcome:
        """The handler raised, or could not be called."""
        row = run.row
        job = run.job
        if isinstance(error, UnknownJobType) and self.tasks is not None and row.job_type not in self.tasks:
            return self._unknown(run, error)
        if isinstance(error, Snooze):
            return Outcome("job.snoozed", attempts=row.attempts, lost=row.lost, delay=error.seconds)
        if isinstance(error, Cancel):
            return Outcome(
                "job.cancelled", "cancelled", row.attempts + 1, row.lost, errors=self._noted(run, error), error=error
            )
        if job is not None and job.stopping.why in (STOPPED, TAKEN):
            return Outcome("job.released", attempts=row.attempts, lost=row.lost, error=error)
        return self._failed(run, error, final=isinstance(error, UnreadablePayload))

    def _failed(self, run: Run, error: BaseException, *, final: bool) -> Outcome:
        row = run.row
        job = run.job or Job(job_type=row.job_type, attempts=row.attempts + 1)
        self.log("job.failed", {**known(run), "error": error, "ran": _seconds_since(run)})
        delay = None
        if not final:
            delay, error = after_failure(run.rules.retry or self._retry, job, error)
        errors = self._noted(run, error)
        if delay is None:
            return Outcome("job.given_up", "failure", row.attempts + 1, row.lost, errors=errors, error=error)
        return Outcome("job.retrying", None, row.attempts + 1, row.lost, delay, errors, error=error)

    def _unknown(self, run: Run, error: BaseException) -> Outcome:
        """A newer release may know this job type: let the job wait, and give it up visibly in the end."""
        row = run.row
        seen = [e for e in json.loads(row.errors or "[]") if e.get("type") == "UnknownJobType"]
        now = self.clock.now()
        if not seen:
            return Outcome(
                "job.snoozed", None, row.attempts, row.lost, UNKNOWN_DELAY, self._noted(run, error), error=error
            )
        if now - datetime.fromisoformat(seen[0]["at"]) < timedelta(seconds=self.unknown_for):
            return Outcome("job.snoozed", None, row.attempts, row.lost, UNKNOWN_DELAY, error=error)
        return self._failed(run, error, final=True)

    def lost(self, row: Claimed, worker: str) -> Outcome:
        """What becomes of a run whose worker died: it runs again, unless that happened too often."""
        lost = row.lost + 1
        final = after_loss(lost, self.rules_of(row.job_type).lost_limit, worker)
        note = final or WorkerLost(f"its worker {worker} died under it")
        errors = with_error(row.errors, note, attempt=row.attempts + 1, worker=worker, at=self.clock.now())
        if final is None:
            return Outcome("job.released", None, row.attempts, lost, errors=errors, error=note)
        return Outcome("job.given_up", "failure", row.attempts, lost, errors=errors, error=final)

    def _noted(self, run: Run, error: BaseException) -> str:
        return with_error(run.row.errors, error, attempt=run.row.attempts + 1, worker=self.worker, at=self.clock.now())

    # What a job offers its handler.

    def _ended(self, run: Run, job: Job, result: Any) -> Ended:
        return Ended(run.row.job_id, run.row.run_id, success(job, run.row.lost, result))

    def _complete(self, run: Run, job: Job, connection: Any, result: Any) -> None:
        run.completed = True
        self.queue.complete(connection, job, self._ended(run, job, result), run.worker_id, self.worker)

    async def _acomplete(self, run: Run, job: Job, connection: Any, result: Any) -> None:
        run.completed = True
        await self.queue.acomplete(connection, job, self._ended(run, job, result), run.worker_id, self.worker)

    def _progress(self, run: Run, done: float, total: float | None) -> None:
        self._note_progress(run, json.dumps({"done": done} if total is None else {"done": done, "total": total}))


def known(run: Run) -> dict[str, Any]:
    """What every event about a run says."""
    row = run.row
    job_id = run.job.job_id if run.job is not None else row.job_id
    return {"queue": row.queue, "job_id": job_id, "job_type": row.job_type, "attempt": row.attempts + 1}


def _seconds_since(run: Run) -> float:
    return round(time.monotonic() - run.claimed_at, 6)


async def _settled(result: Any) -> Any:
    """The value of a handler's result, awaited if that is what it asks for."""
    return await result if isinstance(result, Awaitable) else result
