"""
Look at jobs on any connection that an enqueue takes: `find_job`, `find_jobs`, `count_jobs`.

What they run is imported with the first call: a web process that only enqueues does not pay for it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.shared import OfAQueue

if TYPE_CHECKING:
    from proletarian.filters import JobFilter
    from proletarian.looking.records import Count, JobRecord, Page

MOST_COUNTED = 10_000


class Looking(OfAQueue):
    """Looks at jobs: one by its id, pages of them by a filter, and counts."""

    def find_job(self, connection: Any, job_id: Any, *, masked: bool = True) -> JobRecord | None:
        """
        See all that is known of a job, on your connection, in its open transaction; None if there is no such job.

        The job is found wherever it is at that moment: waiting, running or archived. One that waits says
        `why`: it is not due, no live worker serves its queue or knows its type, or other jobs are ahead of it.
        Values under keys such as password or token are hidden unless `masked=False`. Never commits. Raises
        `FilterError` for something that is not an id, `WrongCall` for an async connection, `UnknownConnection` for
        something that is not a connection, `SchemaOutOfDate` when the tables are missing.

        >>> import sqlite3
        >>> from proletarian import enqueue, find_job
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> job_id = enqueue(connection, "greet", {"name": "Ada", "token": "x"})
        >>> record = find_job(connection, job_id)
        >>> record.state, record.payload
        ('waiting', {'name': 'Ada', 'token': '********'})
        >>> connection.close()
        """
        from proletarian.looking.seeing import see_job

        door = blocking(connection, "afind_job")
        return door.carry_out(see_job(self._shared(), door.database, job_id, mask=masked))

    async def afind_job(self, connection: Any, job_id: Any, *, masked: bool = True) -> JobRecord | None:
        """See all that is known of a job on your async connection; otherwise like `find_job`."""
        from proletarian.looking.seeing import see_job

        door = awaiting(connection, "find_job")
        return await door.acarry_out(see_job(self._shared(), door.database, job_id, mask=masked))

    def find_jobs(
        self,
        connection: Any,
        filter: JobFilter | str = "",
        *,
        limit: int = 50,
        after: Any = None,
        masked: bool = True,
        why: bool = False,
    ) -> Page:
        """
        See the jobs that match a filter, the newest first, a page of up to `limit` (1 to 1000) at a time.

        `filter` is a `JobFilter` or its text. Pass a page's `next` as `after` for the page that follows: jobs keep
        their places while they move, so none comes twice. A look reads at most 21,000 rows of each table, so
        a page may hold fewer than `limit` although it has a `next`. With `why=True` waiting jobs say why they wait. The
        order is that of job ids: of their enqueue, unless ids are random (`UUID4`) or your own.
        Otherwise like `find_job`.

        >>> import sqlite3
        >>> from proletarian import NewJob, enqueue_many, find_jobs
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> _ = enqueue_many(connection, [NewJob("greet", {"number": number}) for number in range(5)])
        >>> page = find_jobs(connection, "type:gre* state:waiting", limit=3)
        >>> [job.payload["number"] for job in page]
        [4, 3, 2]
        >>> [job.payload["number"] for job in find_jobs(connection, "type:gre*", after=page.next)]
        [1, 0]
        >>> connection.close()
        """
        from proletarian.looking.seeing import see_jobs

        door = blocking(connection, "afind_jobs")
        return door.carry_out(
            see_jobs(self._shared(), door.database, filter, limit=limit, after=after, mask=masked, why=why)
        )

    async def afind_jobs(
        self,
        connection: Any,
        filter: JobFilter | str = "",
        *,
        limit: int = 50,
        after: Any = None,
        masked: bool = True,
        why: bool = False,
    ) -> Page:
        """See the jobs that match a filter on your async connection; otherwise like `find_jobs`."""
        from proletarian.looking.seeing import see_jobs

        door = awaiting(connection, "find_jobs")
        return await door.acarry_out(
            see_jobs(self._shared(), door.database, filter, limit=limit, after=after, mask=masked, why=why)
        )

    def count_jobs(self, connection: Any, filter: JobFilter | str = "", *, most: int = MOST_COUNTED) -> Count:
        """
        Count the jobs that match a filter, on your connection.

        Counting ends at `most`, and after 21,000 rows of each table: then the number's `is_exact` is False, there
        are at least that many, and `str` of it has a `+`. Otherwise like `find_jobs`.

        >>> import sqlite3
        >>> from proletarian import NewJob, count_jobs, enqueue_many
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> _ = enqueue_many(connection, [NewJob("greet")] * 5)
        >>> print(count_jobs(connection, "type:greet"), count_jobs(connection, most=3))
        5 3+
        >>> connection.close()
        """
        from proletarian.looking.seeing import count

        door = blocking(connection, "acount_jobs")
        return door.carry_out(count(self._shared(), door.database, filter, most=most))

    async def acount_jobs(self, connection: Any, filter: JobFilter | str = "", *, most: int = MOST_COUNTED) -> Count:
        """Count the jobs that match a filter on your async connection; otherwise like `count_jobs`."""
        from proletarian.looking.seeing import count

        door = awaiting(connection, "count_jobs")
        return await door.acarry_out(count(self._shared(), door.database, filter, most=most))
