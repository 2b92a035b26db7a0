"""
A run: one claimed job in this worker's hands.
"""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import msgspec

from proletarian.errors import ConfigurationError, JobIdTaken, LeaseLost
from proletarian.job import Job, NewJob, headers_in
from proletarian.outcomes import followed, succeeded_with
from proletarian.queue import Queue
from proletarian.rules import Rules
from proletarian.sql.dialect import Dialect
from proletarian.sql.flows.edges import HAS_WAITED
from proletarian.sql.orders import Request
from proletarian.sql.rows import Claimed, Ended, NewRow
from proletarian.steps import Steps, Store, arun_step, run_step
from proletarian.worker.progress import Progress

STOPPED, OVERDUE, TAKEN = "the worker stops", "the job is over its time limit", "the job was taken back"
CANCELLED = "cancelled"


@dataclass(slots=True)
class Origin:
    """Where runs come from: what the methods of their jobs need from the worker."""

    queue: Queue
    worker: str
    progress: Progress
    job_of: Callable[[Run], Job]  # with as much of the payload as can be read
    dialect: Dialect
    known: Callable[[Run], Mapping[str, Any]]  # what every event about a run contains
    # What runs the jobs sets where the steps of a run are stored, and what reads the results of the jobs that it has
    # waited for (as texts, by their ids as stored).
    store_of: Callable[[Run], Store] | None = None
    results_of: Callable[[Run], Future[Mapping[Any, str | None]]] | None = None


class Run(msgspec.Struct, eq=False):
    """One claimed job that this worker holds; to its job it is a `Lease`."""

    origin: Origin
    row: Claimed
    worker_id: Any
    rules: Rules
    is_async: bool
    claimed_at: float
    started_at: float | None = None
    ended_at: float | None = None
    job: Job | None = None  # created only if somebody looks at it
    told: str | None = None
    request: Request | None = None  # somebody has cancelled the job
    completed: bool = False  # job.complete() was called: the row may be gone already
    steps: Steps | None = None  # created only if a step is used
    next: tuple[NewRow, ...] = ()  # enqueued by the statement that archives it
    found: Mapping[Any, Any] | None = None  # the results of the jobs that it has waited for

    def tell(self, why: str) -> None:
        """Ask the handler to stop."""
        self.told = self.told or why
        if self.job is not None:
            self.job.stopping.set(self.told)

    @property
    def ran(self) -> float:
        """How many seconds it took, or has taken so far."""
        return (self.ended_at or time.monotonic()) - (self.started_at or self.claimed_at)

    def seen_job(self) -> Job:
        """The job, for `current_job`."""
        return self.origin.job_of(self)

    def known(self) -> Mapping[str, Any]:
        """What identifies it in log lines, without looking at its payload."""
        return self.origin.known(self)

    def headers(self) -> Mapping[str, str]:
        """The headers of its job, if they can be read."""
        return headers_in(self.row.headers) or {}

    # The API for handlers.

    def complete(self, job: Job, connection: Any, result: Any) -> None:
        """Archive it in the handler's own transaction."""
        with self.completing(result) as ended:
            self.origin.queue.complete(connection, job, ended, self.worker_id, self.origin.worker)

    async def acomplete(self, job: Job, connection: Any, result: Any) -> None:
        """The same on an async connection."""
        with self.completing(result) as ended:
            await self.origin.queue.acomplete(connection, job, ended, self.worker_id, self.origin.worker)

    @contextlib.contextmanager
    def completing(self, result: Any) -> Iterator[Ended]:
        """Entered while the handler's transaction archives the job."""
        queue = self.origin.queue
        outcome = succeeded_with(self.row.attempts + 1, self.row.lost, result, queue.serializer, queue.sizes)
        before, self.completed = self.completed, True
        try:
            yield Ended(self.row.run_id, followed(outcome, self.next), awaited=self.row.awaited)
        except (JobIdTaken, LeaseLost):
            self.completed = before  # there was nothing to complete; after any other error it may have been completed
            raise

    def progress(self, done: float, total: float | None) -> None:
        """Note its progress."""
        text = json.dumps({"done": done} if total is None else {"done": done, "total": total})
        self.origin.progress.note(self.worker_id, self.row.run_id, text)

    def step(self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """Do part of its work only once."""
        with self._stepping() as steps:
            return run_step(function, steps.take(name, function, args, kwargs))

    async def astep(
        self, name: str, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> Any:
        """The same in a coroutine."""
        with self._stepping() as steps:
            return await arun_step(steps.take(name, function, args, kwargs))

    def results(self) -> Mapping[Any, Any]:
        """The results of the jobs that it waited for."""
        if self.found is None:
            self.found = {}
            if self.row.flow and self.row.flow & HAS_WAITED:
                results_of = self.origin.results_of
                if results_of is None:
                    raise ConfigurationError(
                        "results are read through the worker, which a job in an Executor cannot reach: use Processes"
                    )
                self.found = self.decoded(results_of(self).result())
        return self.found

    def decoded(self, found: Mapping[Any, str | None]) -> Mapping[Any, Any]:
        """Results as their jobs returned them, by the jobs' ids."""
        queue, dialect = self.origin.queue, self.origin.dialect
        return {
            queue.job_ids.decode(dialect.loaded_id(job_id)): None if text is None else queue.serializer.decode(text)
            for job_id, text in found.items()
        }

    def then(self, job: NewJob) -> Any:
        """Have another job enqueued in the transaction that archives this one."""
        if self.completed:
            raise ConfigurationError("job.complete() was called and must be last: nothing can be enqueued after it")
        if not isinstance(job, NewJob) or job.unique is not None or job.after:
            raise ConfigurationError(
                f"job.then takes a NewJob (task.job(…)) that is not unique and does not wait for others, not {job!r}"
            )
        queue, dialect = self.origin.queue, self.origin.dialect
        row = queue.row(job, dialect)
        self.next = (*self.next, row)
        return None if row.job_id is None else queue.job_ids.decode(dialect.loaded_id(row.job_id))

    @contextlib.contextmanager
    def _stepping(self) -> Iterator[Steps]:
        if self.completed:
            raise ConfigurationError("job.complete() was called and must be last: no step can be stored after it")
        if self.steps is None:
            queue, store_of = self.origin.queue, self.origin.store_of
            if store_of is None:
                raise ConfigurationError(
                    "steps are stored through the worker, which a job in an Executor cannot reach: use steps in a "
                    "thread or in Processes"
                )
            self.steps = Steps(store_of(self), queue.serializer, queue.sizes)
        try:
            yield self.steps
        except LeaseLost:
            self.tell(TAKEN)  # so it is not a failure of the job
            raise
