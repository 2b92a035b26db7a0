"""
Act on jobs on any connection that an enqueue takes: cancel, retry, reschedule, delete, pause.

What they run is imported on first use: a web process that only enqueues does not pay for it.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.shared import OfAQueue
from proletarian.times.durations import Duration

if TYPE_CHECKING:
    from proletarian.control.steering import Cancelled


class Acting(OfAQueue):
    """
    Acts on jobs: on one by its id, or on all that match a filter.

    `which` is a job id, a `JobFilter`, or the text of one (`"type:send_* state:failed since:1h"`; where job
    ids are texts themselves, `JobFilter.parse(text)`). A filter is worked through in batches of bounded size, and
    refused if it matches every job. Everything happens in your open transaction, and is undone with it.
    """

    def cancel(self, connection: Any, which: Any, *, reason: str = "", by: str = "") -> Cancelled:
        """
        Cancel jobs on your connection, inside its open transaction; returns what became of them.

        A waiting job is archived as cancelled at once, with `reason` and `by` (who asked) among its errors.
        A running one is asked to stop, within a second of your commit: a coroutine is cancelled, a plain function
        is told by `job.stopping`, whose `why` is then "cancelled". It is archived as cancelled when it stops; one
        that ends before it notices keeps its own outcome. The returned counts say how many of each: `waiting`,
        `asked`, `ended` (before), `unknown`. Never commits. Raises `FilterError` for something that is neither an id
        nor a filter, `WrongCall` for an async connection, `UnknownConnection`, `SchemaOutOfDate`.

        >>> import sqlite3
        >>> from proletarian import cancel, enqueue, find_job
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = enqueue(connection, "remind", {"order": 7}, process_in=3600)
        >>> cancel(connection, job_id, reason="the order is gone", by="ann")
        Cancelled(waiting=1, asked=0, ended=0, unknown=0)
        >>> job = find_job(connection, job_id)
        >>> job.state, job.errors[-1]["message"]
        ('cancelled', 'the order is gone (by ann)')
        >>> connection.close()
        """
        from proletarian.control.steering import cancel

        door = blocking(connection, "acancel")
        return door.carry_out(cancel(self._shared(), door.database, which, reason=reason, by=by))

    async def acancel(self, connection: Any, which: Any, *, reason: str = "", by: str = "") -> Cancelled:
        """Cancel jobs on your async connection; otherwise like `cancel`."""
        from proletarian.control.steering import cancel

        door = awaiting(connection, "cancel")
        return await door.acarry_out(cancel(self._shared(), door.database, which, reason=reason, by=by))

    def retry(self, connection: Any, which: Any, *, fresh: bool = False) -> int:
        """
        Run archived jobs again, on your connection; returns how many are waiting again, due now.

        Attempts and errors are kept: the job gets one more run, and then as many as its retry strategy still has
        for it. `fresh=True` forgets them. A filter that names no state matches those that failed or were cancelled.
        Never commits. Raises `WrongState` for the id of a job that is not archived, `JobIdTaken` if another job
        waits under that id; otherwise like `cancel`.

        >>> import sqlite3
        >>> from proletarian import cancel, enqueue, find_job, retry
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = enqueue(connection, "greet")
        >>> _ = cancel(connection, "type:greet")
        >>> retry(connection, job_id), find_job(connection, job_id).state
        (1, 'waiting')
        >>> connection.close()
        """
        from proletarian.control.steering import retry

        door = blocking(connection, "aretry")
        return door.carry_out(retry(self._shared(), door.database, which, fresh=fresh))

    async def aretry(self, connection: Any, which: Any, *, fresh: bool = False) -> int:
        """Run archived jobs again, on your async connection; otherwise like `retry`."""
        from proletarian.control.steering import retry

        door = awaiting(connection, "retry")
        return await door.acarry_out(retry(self._shared(), door.database, which, fresh=fresh))

    def reschedule(
        self,
        connection: Any,
        which: Any,
        *,
        process_at: datetime | None = None,
        process_in: Duration | None = None,
        priority: int | None = None,
    ) -> int:
        """
        Change when waiting jobs run, on your connection; returns how many were changed.

        `process_at` (an aware datetime; it wins), `process_in` (seconds or a timedelta from now) and `priority`
        are as for `enqueue`; what is left out stays as it is. Never commits. Raises `WrongState` for the id of a job
        that is not waiting; otherwise like `cancel`.

        >>> import sqlite3
        >>> from proletarian import enqueue, find_job, reschedule
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = enqueue(connection, "greet", process_in=3600)
        >>> reschedule(connection, job_id, process_in=0, priority=5)
        1
        >>> job = find_job(connection, job_id)
        >>> job.state, job.priority
        ('waiting', 5)
        >>> connection.close()
        """
        from proletarian.control.steering import reschedule

        door = blocking(connection, "areschedule")
        when = {"process_at": process_at, "process_in": process_in, "priority": priority}
        return door.carry_out(reschedule(self._shared(), door.database, which, **when))

    async def areschedule(
        self,
        connection: Any,
        which: Any,
        *,
        process_at: datetime | None = None,
        process_in: Duration | None = None,
        priority: int | None = None,
    ) -> int:
        """Change when waiting jobs run, on your async connection; otherwise like `reschedule`."""
        from proletarian.control.steering import reschedule

        door = awaiting(connection, "reschedule")
        when = {"process_at": process_at, "process_in": process_in, "priority": priority}
        return await door.acarry_out(reschedule(self._shared(), door.database, which, **when))

    def delete_jobs(self, connection: Any, which: Any) -> int:
        """
        Delete waiting and archived jobs, on your connection; returns how many were deleted.

        Nothing is left of them, whereas a cancelled job is kept in the archive. A running job is never deleted:
        cancel it. Never commits. Raises `WrongState` for the id of a job that is running or does not exist;
        otherwise like `cancel`.

        >>> import sqlite3
        >>> from proletarian import delete_jobs, enqueue, find_job
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = enqueue(connection, "greet")
        >>> delete_jobs(connection, "queue:default state:waiting"), find_job(connection, job_id)
        (1, None)
        >>> connection.close()
        """
        from proletarian.control.steering import delete_jobs

        door = blocking(connection, "adelete_jobs")
        return door.carry_out(delete_jobs(self._shared(), door.database, which))

    async def adelete_jobs(self, connection: Any, which: Any) -> int:
        """Delete waiting and archived jobs, on your async connection; otherwise like `delete_jobs`."""
        from proletarian.control.steering import delete_jobs

        door = awaiting(connection, "delete_jobs")
        return await door.acarry_out(delete_jobs(self._shared(), door.database, which))
