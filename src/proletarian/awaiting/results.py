"""
Wait for a job's end, and get what its handler returned: `wait_for`, `await_for`.
"""

from __future__ import annotations

from typing import Any

from proletarian.shared import OfAQueue, Returning
from proletarian.times.durations import Duration

PATIENCE = 5.0  # seconds that a wait takes at most, by default


class Results(OfAQueue):
    """Waits for jobs to end."""

    def wait_for(
        self, where: Any, job_id: Any, timeout: Duration | None = PATIENCE, *, task: Returning | None = None
    ) -> Any:
        """
        Get what a job's handler returned, once it has ended; None if that was not kept (`task(keep_result=True)`).

        `where` is a database URL or an SQLAlchemy Engine: then all waits of a process share one connection, however
        many there are. Or it is your connection, which is polled. The job must have been committed, or no worker sees
        it. `timeout` is seconds or a timedelta, 5 s by default; None waits forever. If the task is known, by `task=…`,
        `Tasks.wait_for`, or the task's own `wait_for`, the result has the type that its function is annotated with.
        Otherwise it is what JSON makes of it.

        Raises `JobFailed`, with the error that the job's row keeps; `JobCancelled`; `TimeoutError`, which says where
        the job is; `WrongCall` for a connection whose open transaction would never see the end (a snapshot, as
        under REPEATABLE READ) and for an async one; `PayloadError` for a result that does not fit the annotation;
        `ConfigurationError` for a task that returns something and keeps no result.

        >>> import tempfile
        >>> from proletarian import Tasks, Worker, migrate
        >>> url = f"sqlite:///{tempfile.mkdtemp()}/jobs.db"
        >>> _ = migrate(url)
        >>> tasks = Tasks()
        >>> @tasks.task(keep_result=True)
        ... def add(a: int, b: int) -> int:
        ...     return a + b
        >>> import sqlite3
        >>> connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        >>> job_id = add.enqueue(connection, 1, 2)
        >>> connection.commit()
        >>> with Worker(url, tasks):
        ...     add.wait_for(url, job_id)
        3
        >>> connection.close()
        """
        from proletarian.awaiting.awaited import Wait

        return Wait(self._shared(), job_id, timeout, task, self._task_of).ended(where)

    async def await_for(
        self, where: Any, job_id: Any, timeout: Duration | None = PATIENCE, *, task: Returning | None = None
    ) -> Any:
        """
        Get what a job's handler returned, once it has ended; otherwise like `wait_for`.

        `where` is a URL or an Engine (an async one too), or your async connection.
        """
        from proletarian.awaiting.awaited import Wait

        return await Wait(self._shared(), job_id, timeout, task, self._task_of).aended(where)

    def _task_of(self, job_type: str) -> Returning | None:
        """The task of a job type, if it is known."""
        return None
