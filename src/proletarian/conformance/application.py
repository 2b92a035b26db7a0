"""An application that enqueues through one library's connection, blocking or async."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Iterable
from typing import Any

from proletarian.conformance.member import Member
from proletarian.conformance.subject import Subject
from proletarian.drivers.registry import driver_of
from proletarian.errors import ConfigurationError
from proletarian.job import Job, NewJob
from proletarian.outcomes import Outcome
from proletarian.queue import Queue
from proletarian.sql.rows import Claimed, Ended


class Application:
    """One open connection, and what an application does with it."""

    def __init__(self, subject: Subject, queue: Queue) -> None:
        if subject.library is None:
            raise ConfigurationError("the checks of a driver need a Subject with a library")
        self.library = subject.library
        self.queue = queue
        self._loop = asyncio.Runner()
        self._begun = self._closed = False
        self.connection = self._settled(self.library.open())
        self.is_async = driver_of(self.connection).execute is None

    def _settled(self, value: Any) -> Any:
        """The value, awaited if it is awaitable."""

        async def awaited() -> Any:
            return await value

        return self._loop.run(awaited()) if inspect.isawaitable(value) else value

    def _in_transaction(self) -> Any:
        if not self._begun:
            self._settled(self.library.begin(self.connection))
            self._begun = True
        return self.connection

    # Transactions.

    def execute(self, sql: str) -> None:
        """Send a statement of the application's own."""
        self._settled(self.library.execute(self._in_transaction(), sql))

    def commit(self) -> None:
        """Commit what was done since the last transaction ended."""
        self._settled(self.library.commit(self.connection))
        self._begun = False

    def roll_back(self) -> None:
        """Undo it."""
        self._settled(self.library.rollback(self.connection))
        self._begun = False

    def close(self) -> None:
        """Close the connection, whatever state it is in; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._settled(self.library.close(self.connection))
        finally:
            self._loop.close()

    # What the library is for.

    def enqueue(self, job_type: str = "greet", payload: Any = None, **options: Any) -> Any:
        """Enqueue a job; returns its id."""
        call = self.queue.aenqueue if self.is_async else self.queue.enqueue
        return self._settled(call(self._in_transaction(), job_type, payload, **options))

    def enqueue_many(self, jobs: Iterable[NewJob]) -> list[Any]:
        """Enqueue many jobs; returns their ids."""
        call: Any = self.queue.aenqueue_many if self.is_async else self.queue.enqueue_many
        job_ids: list[Any] = self._settled(call(self._in_transaction(), jobs))
        return job_ids

    def find_job(self, job_id: Any, **options: Any) -> Any:
        """See one job."""
        call: Any = self.queue.afind_job if self.is_async else self.queue.find_job
        return self._settled(call(self._in_transaction(), job_id, **options))

    def find_jobs(self, which: Any = "", **options: Any) -> Any:
        """See a page of jobs."""
        call: Any = self.queue.afind_jobs if self.is_async else self.queue.find_jobs
        return self._settled(call(self._in_transaction(), which, **options))

    def count_jobs(self, which: Any = "", **options: Any) -> Any:
        """Count jobs."""
        call: Any = self.queue.acount_jobs if self.is_async else self.queue.count_jobs
        return self._settled(call(self._in_transaction(), which, **options))

    def wait_for(self, job_id: Any, **options: Any) -> Any:
        """Wait for a job to end, in a transaction only if one was begun; returns its result."""
        call: Any = self.queue.await_for if self.is_async else self.queue.wait_for
        return self._settled(call(self.connection, job_id, **options))

    def act(self, name: str, /, *arguments: Any, **options: Any) -> Any:
        """Call `cancel`, `retry`, `pause` and so on, or its async twin, on this connection."""
        call: Any = getattr(self.queue, f"a{name}" if self.is_async else name)
        return self._settled(call(self._in_transaction(), *arguments, **options))

    def complete(self, worker: Member, run: Claimed, *, result: str | None = None) -> None:
        """Archive a run, as `job.complete(connection)` does."""
        call: Any = self.queue.acomplete if self.is_async else self.queue.complete
        outcome = Outcome("job.succeeded", "success", run.attempts + 1, run.lost, result=result)
        job = Job(job_id=run.job_id, job_type=run.job_type)
        self._settled(
            call(
                self._in_transaction(),
                job,
                Ended(run.run_id, outcome, awaited=run.awaited),
                worker.worker_id,
                "contract",
            )
        )

    def wrong_call(self) -> Any:
        """Enqueue with the call for the other kind of connection."""
        call = self.queue.enqueue if self.is_async else self.queue.aenqueue
        return self._settled(call(self.connection, "greet"))
