"""Waiting jobs, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.job import headers_in
from proletarian.kept_errors import errors_in
from proletarian.queue import Queue
from proletarian.sql.columns import JOB
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.sql.statements import Plan, Statement, Text
from proletarian.task import Task
from proletarian.tasks import Tasks


@dataclass(frozen=True, slots=True)
class EnqueuedJob:
    """
    A waiting job, as a test sees it.

    `payload` is decoded, or text if that is not possible. `attempts` counts its runs so
    far, `errors` are those that its row keeps, `process_at` is when it is due.

    >>> EnqueuedJob(1, "mail", "send_welcome", {"account_id": 42})
    send_welcome {'account_id': 42} in queue 'mail'
    """

    job_id: Any
    queue: str
    job_type: str
    payload: Any
    attempts: int = 0
    enqueued_at: datetime | None = None
    process_at: datetime | None = None
    priority: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    lost: int = 0
    errors: list[dict[str, Any]] = field(default_factory=list)

    @property
    def delay(self) -> float:
        """Seconds from its enqueue until it is due; after a retry, until the next try."""
        if self.process_at is None or self.enqueued_at is None:
            return 0.0
        return (self.process_at - self.enqueued_at).total_seconds()

    def __repr__(self) -> str:
        said = [f"{self.job_type} {self.payload!r} in queue {self.queue!r}"]
        if self.delay:
            said.append(f"due {self.delay:g} s after its enqueue")
        if self.priority:
            said.append(f"priority {self.priority}")
        if self.headers:
            said.append(f"headers {dict(self.headers)}")
        if self.attempts:
            said.append(f"after {self.attempts} runs")
        return ", ".join(said)


Selected = Task[..., Any] | str | None


def enqueued(
    connection: Any, what: Selected = None, /, *, queue_name: str | None = None, queue: Tasks | Queue | None = None
) -> list[EnqueuedJob]:
    """
    Return the jobs that are waiting, as your open transaction sees them, in the order in which they will run.

    All of them, or those of one task or job type, or of one queue (`queue_name`). `queue` is
    the application's `Tasks` or `Queue` if it has its own tables or serializer; a task
    knows its queue. Raises `WrongCall` for an async connection: `await aenqueued(…)`.

    >>> import sqlite3
    >>> from proletarian import enqueue
    >>> from proletarian.testing import create_tables
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> job_id = enqueue(connection, "send_welcome", {"account_id": 42}, queue="mail")
    >>> enqueued(connection)
    [send_welcome {'account_id': 42} in queue 'mail']
    >>> connection.close()
    """
    own = queue_for(what, queue)
    door = blocking(connection, "aenqueued")
    jobs = door.carry_out(waiting(own, own.dialect(door.database)))
    return selected(jobs, what, queue_name)


async def aenqueued(
    connection: Any, what: Selected = None, /, *, queue_name: str | None = None, queue: Tasks | Queue | None = None
) -> list[EnqueuedJob]:
    """See which jobs wait, on your async connection; otherwise like `enqueued`."""
    own = queue_for(what, queue)
    door = awaiting(connection, "enqueued")
    jobs = await door.acarry_out(waiting(own, own.dialect(door.database)))
    return selected(jobs, what, queue_name)


def queue_for(what: object, queue: Tasks | Queue | None) -> Queue:
    """The queue that was passed, or else the task's own, or else the default one."""
    if queue is not None:
        return queue.queue if isinstance(queue, Tasks) else queue
    return what._queue if isinstance(what, Task) else Queue()


def selected(jobs: list[EnqueuedJob], what: Selected, queue_name: str | None) -> list[EnqueuedJob]:
    """Those of this task or job type, and in this queue."""
    job_type = what.name if isinstance(what, Task) else what
    return [job for job in jobs if job_type in (None, job.job_type) and queue_name in (None, job.queue)]


def waiting(queue: Queue, dialect: Dialect) -> Plan[list[EnqueuedJob]]:
    """Every row of the waiting table, in the order of claims."""
    table = dialect.tables.name("job", dialect.name)
    columns = ", ".join(plain(column, dialect) for column in JOB)
    rows = yield Statement(
        Text(f"SELECT {columns} FROM {table} AS job ORDER BY job.queue, job.priority DESC, job.process_at, job.job_id")
    )
    return [_job(queue, dialect, Claimed(*[*row, 0])) for row in rows]


def plain(column: str, dialect: Dialect) -> str:
    """A column in a readable form: on PostgreSQL an application may have its own types for ids and times."""
    if dialect.name == "postgresql" and column == "job_id" and dialect.kind == "uuid":
        return "CAST(job.job_id AS text)"
    if dialect.name == "postgresql" and column in ("enqueued_at", "process_at"):
        return f"""to_char(job.{column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"+00:00"')"""
    return f"job.{column}"


def _job(queue: Queue, dialect: Dialect, row: Claimed) -> EnqueuedJob:
    return EnqueuedJob(
        job_id=queue.job_ids.decode(dialect.loaded_id(row.job_id)),
        queue=row.queue,
        job_type=row.job_type,
        payload=decoded(queue, row.payload),
        attempts=row.attempts,
        enqueued_at=dialect.loaded_time(row.enqueued_at),
        process_at=dialect.loaded_time(row.process_at),
        priority=row.priority,
        headers=headers_in(row.headers) or {},
        lost=row.lost,
        errors=errors_in(row.errors),
    )


def decoded(queue: Queue, text: str) -> Any:
    """A payload as its handler would get it, or its text if it cannot be decoded."""
    try:
        return queue.serializer.decode(text)
    except Exception:  # noqa: BLE001 (a serializer of the user's may raise anything; the test wants to see the job)
        return text
