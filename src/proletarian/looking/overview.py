"""
See the overview, on any connection that an enqueue takes: queues, workers, throughput, failures.

What they run is imported with the first call: a web process that only enqueues does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.shared import OfAQueue

if TYPE_CHECKING:
    from proletarian.filters import JobFilter
    from proletarian.looking.surveys import FailureGroup, Minute, QueueStats, WorkerRecord

MOST_COUNTED = 10_000
MOST_IN_A_MINUTE = 1_000
MOST_GROUPED = 1_000


class Overview(OfAQueue):
    """Looks at the overview: what each queue holds, who works, what ended when, and what keeps failing."""

    def queue_stats(self, connection: Any, *, most: int = MOST_COUNTED) -> list[QueueStats]:
        """
        See what each queue holds and who serves it, on your connection, in its open transaction.

        Every queue that holds jobs, is served by a live worker, or is paused, by name: how many jobs are due,
        scheduled, running and failed, since when the oldest due one waits, how many live workers serve it with how
        many slots, and its pause. A count ends at `most` and says so: its `is_exact` is False, and `str` of it has
        a `+`. Failures are counted among the latest `most` of all queues. A worker that was killed counts as alive
        until its locks are free (at once on PostgreSQL, MySQL and MariaDB) or its heartbeat is late (SQLite, poolers).
        Never commits. Raises `ConfigurationError` for a `most` below 1, `WrongCall` for an async connection,
        `UnknownConnection`, `SchemaOutOfDate`.

        >>> import sqlite3
        >>> from proletarian import NewJob, enqueue_many, queue_stats
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> _ = enqueue_many(connection, [NewJob("send", queue="mail")] * 3)
        >>> [(stats.queue, stats.due, stats.running, stats.workers) for stats in queue_stats(connection)]
        [('mail', 3, 0, 0)]
        >>> connection.close()
        """
        from proletarian.looking.surveying import queue_stats

        door = blocking(connection, "aqueue_stats")
        return door.carry_out(queue_stats(self._shared(), door.database, most=most))

    async def aqueue_stats(self, connection: Any, *, most: int = MOST_COUNTED) -> list[QueueStats]:
        """See what each queue holds and who serves it, on your async connection; otherwise like `queue_stats`."""
        from proletarian.looking.surveying import queue_stats

        door = awaiting(connection, "queue_stats")
        return await door.acarry_out(queue_stats(self._shared(), door.database, most=most))

    def list_workers(self, connection: Any) -> list[WorkerRecord]:
        """
        See who works, on your connection: each worker with its queues, its running jobs and its last sign of life.

        Up to 1,000 workers, the oldest first. One that has stopped is gone; one that was killed is there, not
        `is_alive`, until another worker has taken back its jobs. What it runs: `find_jobs(connection,
        f"worker:{worker.worker} state:running")`. Otherwise like `queue_stats`.

        >>> import sqlite3
        >>> from proletarian import list_workers
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> list_workers(connection)
        []
        >>> connection.close()
        """
        from proletarian.looking.surveying import list_workers

        door = blocking(connection, "alist_workers")
        return door.carry_out(list_workers(self._shared(), door.database))

    async def alist_workers(self, connection: Any) -> list[WorkerRecord]:
        """See who works, on your async connection; otherwise like `list_workers`."""
        from proletarian.looking.surveying import list_workers

        door = awaiting(connection, "list_workers")
        return await door.acarry_out(list_workers(self._shared(), door.database))

    def throughput(
        self, connection: Any, *, minutes: int = 60, queue: str | None = None, most: int = MOST_IN_A_MINUTE
    ) -> list[Minute]:
        """
        See how many jobs ended in each of the last minutes, on your connection; the oldest minute first.

        Each has how many jobs `succeeded`, `failed` for good and were `cancelled`, of one `queue` or of all, and how
        many of each queue; and its `rate`, jobs a second. The last minute is not over yet. `minutes` is 1 to 1,440.
        Of each minute at most `most` jobs are read: if more ended in it, its counts are not exact, the true ones are
        higher, and the rate is that of its first part. What is no longer in the archive is not counted. Otherwise
        like `queue_stats`.

        >>> import sqlite3
        >>> from proletarian import cancel, enqueue, throughput
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> _ = cancel(connection, enqueue(connection, "greet"))
        >>> sum(minute.cancelled for minute in throughput(connection, minutes=2))
        1
        >>> connection.close()
        """
        from proletarian.looking.surveying import throughput

        door = blocking(connection, "athroughput")
        return door.carry_out(throughput(self._shared(), door.database, minutes=minutes, queue=queue, most=most))

    async def athroughput(
        self, connection: Any, *, minutes: int = 60, queue: str | None = None, most: int = MOST_IN_A_MINUTE
    ) -> list[Minute]:
        """See how many jobs ended in each of the last minutes on your async connection; otherwise like `throughput`."""
        from proletarian.looking.surveying import throughput

        door = awaiting(connection, "throughput")
        plan = throughput(self._shared(), door.database, minutes=minutes, queue=queue, most=most)
        return await door.acarry_out(plan)

    def failure_groups(
        self, connection: Any, filter: JobFilter | str = "", *, most: int = MOST_GROUPED
    ) -> list[FailureGroup]:
        """
        See what keeps failing, on your connection: failed jobs by type and class of error, the largest group first.

        Each group says how many there are, when the first and the last of them failed, and the latest one's message
        and line of code; `group.filter` is the filter that selects its jobs, for example for `retry`. `filter` narrows
        down which failures are looked at: `"queue:mail since:1h"`. Only the latest `most` of them (by id) are read; if
        there may be more, counts are not exact. Otherwise like `find_jobs`.

        >>> import sqlite3
        >>> from proletarian import Tasks, failure_groups
        >>> from proletarian.testing import create_tables, drain
        >>> tasks = Tasks()
        >>> @tasks.task
        ... def send(number: int) -> None:
        ...     raise TimeoutError("the mail server does not answer")
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> for number in range(3):
        ...     _ = send.enqueue(connection, number=number)
        >>> _ = drain(connection, tasks, raise_errors=False)
        >>> [(group.job_type, group.error, group.count) for group in failure_groups(connection)]
        [('send', 'TimeoutError', 3)]
        >>> connection.close()
        """
        from proletarian.looking.surveying import failure_groups

        door = blocking(connection, "afailure_groups")
        return door.carry_out(failure_groups(self._shared(), door.database, filter, most=most))

    async def afailure_groups(
        self, connection: Any, filter: JobFilter | str = "", *, most: int = MOST_GROUPED
    ) -> list[FailureGroup]:
        """See what keeps failing, on your async connection; otherwise like `failure_groups`."""
        from proletarian.looking.surveying import failure_groups

        door = awaiting(connection, "failure_groups")
        return await door.acarry_out(failure_groups(self._shared(), door.database, filter, most=most))
