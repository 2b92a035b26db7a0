"""
Claimed rows as handlers, hooks and the log get to see them.

A row that was written by something else may differ from what we would have written. This must affect that job at most,
so reading a row here does not raise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from proletarian.job import Job, headers_in
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.worker.run import Run


class Jobs:
    """Creates the jobs that people see of runs."""

    def __init__(self, dialect: Dialect, queue: Queue) -> None:
        self.state: Mapping[str, Any] = {}  # what the lifespan yields
        self._dialect = dialect
        self._queue = queue

    def of(self, run: Run) -> Job:
        """The job that the handler sees, without the payload; created once."""
        if run.job is None:
            row = run.row
            run.job = Job(
                job_id=self.id_of(row),
                queue=row.queue,
                job_type=row.job_type,
                attempts=row.attempts + 1,
                enqueued_at=self.time(row.enqueued_at),
                process_at=self.time(row.process_at),
                priority=row.priority,
                headers=headers_in(row.headers) or {},
                lost=row.lost,
                suspect=row.suspect,
                state=self.state,
                _lease=run,
            )
            if run.told:
                run.job.stopping.set(run.told)
        return run.job

    def for_people(self, run: Run) -> Job:
        """The job with as much of its payload as can be read, for strategies and hooks."""
        job = self.of(run)
        if job.payload is None:
            with contextlib.suppress(Exception):  # the user's serializer may raise anything
                job.payload = self._queue.serializer.decode(run.row.payload)
        return job

    def id_of(self, row: Claimed) -> Any:
        """The job's id; the stored form if it is not of this queue's kind."""
        return self.decoded(row.job_id)

    def decoded(self, job_id: Any) -> Any:
        """A stored id as the application knows it; unchanged if it is not of this queue's kind."""
        try:
            return self._queue.job_ids.decode(self._dialect.loaded_id(job_id))
        except Exception:  # noqa: BLE001 (the user's strategy may raise anything)
            return job_id

    def time(self, stored: Any) -> datetime | None:
        """A stored time; None if it cannot be read."""
        try:
            return self._dialect.loaded_time(stored)
        except (AttributeError, TypeError, ValueError):
            return None

    def known(self, run: Run) -> dict[str, Any]:
        """What every event about a run contains."""
        row = run.row
        return {"queue": row.queue, "job_id": self.id_of(row), "job_type": row.job_type, "attempt": row.attempts + 1}
