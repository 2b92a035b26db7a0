"""Assertions on whether a job was enqueued, which show what was found instead."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.errors import ConfigurationError
from proletarian.job import NewJob
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Statement, Text
from proletarian.task import Task
from proletarian.tasks import Tasks
from proletarian.testing.waiting import EnqueuedJob, queue_for, waiting
from proletarian.times.expiry import with_expiry

__tracebackhide__ = True  # pytest shows the line of the test

SHOWN = 20  # jobs in a message
CLOSE = 0.005  # seconds that a database whose clock counts in milliseconds may be off, after rounding twice


class _Any:
    """Every payload."""

    def __repr__(self) -> str:
        return "any payload"


ANY = _Any()


@dataclass(frozen=True)
class Wanted:
    """The jobs that an assertion is about."""

    queue: Queue
    job_type: str
    payload: Any = ANY
    queue_name: str | None = None
    job: NewJob | None = None

    def __str__(self) -> str:
        said = self.job_type if self.payload is ANY else f"{self.job_type} {self.payload!r}"
        if self.queue_name is not None:
            said += f" in queue {self.queue_name!r}"
        job = self.job
        if job is not None:
            more = {"priority": job.priority, "process_at": job.process_at, "process_in": job.process_in,
                    "headers": job.headers, "expires_in": job.expires_in, "job_id": job.job_id}  # fmt: skip
            said += "".join(f", {name} {value}" for name, value in more.items() if value is not None)
        return said

    def fits(self, found: EnqueuedJob) -> bool:
        """Whether this is one of them."""
        return (
            found.job_type == self.job_type
            and self.payload in (ANY, found.payload)
            and self.queue_name in (None, found.queue)
            and (self.job is None or _has_options(found, self.job))
        )


def _has_options(found: EnqueuedJob, job: NewJob) -> bool:
    if job.priority not in (None, found.priority) or job.job_id not in (None, found.job_id):
        return False
    if job.headers is not None and not job.headers.items() <= found.headers.items():
        return False
    if job.expires_in is not None and not with_expiry(None, job.expires_in).items() <= found.headers.items():
        return False
    due = job.delay
    if job.process_at is not None and found.enqueued_at is not None:
        due = max((job.process_at - found.enqueued_at).total_seconds(), 0.0)
    return due is None or abs(found.delay - due) <= CLOSE


def wanted(
    what: Task[..., Any] | NewJob | str, payload: Any, queue_name: str | None, queue: Tasks | Queue | None
) -> Wanted:
    """What an assertion asks for, as one value."""
    own = queue_for(what, queue)
    job = what if isinstance(what, NewJob) else None
    if job is not None:
        if payload is not ANY or queue_name is not None:
            raise ConfigurationError(f"{job.job_type}: a job made by task.job(…) already has its payload and queue")
        payload, queue_name = job.payload, job.queue
    if payload is not ANY:  # as it would come back from its row
        payload = own.serializer.decode(own.serializer.encode(payload))
    if isinstance(what, Task):
        return Wanted(own, what.name, payload, queue_name)
    if not isinstance(what, (str, NewJob)):
        raise ConfigurationError(f"a task, a job type or a job (task.job(…)) is needed here, not {what!r}")
    return Wanted(own, what if isinstance(what, str) else what.job_type, payload, queue_name, job)


def assert_enqueued(
    connection: Any,
    what: Task[..., Any] | NewJob | str,
    payload: Any = ANY,
    /,
    *,
    queue_name: str | None = None,
    count: int | None = None,
    queue: Tasks | Queue | None = None,
) -> list[EnqueuedJob]:
    """
    Make sure that a job is waiting, as seen by your open transaction; returns the jobs that match.

    `what` is a task, a job type, or a whole job as `task.job(…)` makes it: then type checkers
    check the arguments, and the options that it names have to be the same (`headers`: at least
    those). `payload` has to be equal, `queue_name` too. `count` is exactly how many jobs have to
    match; without it, one or more. `queue` is the application's `Tasks` or `Queue`, if it has its
    own tables or serializer and `what` is not a task.

    Raises `AssertionError`, which lists what is waiting instead; `WrongCall` for an async connection.

    >>> import sqlite3
    >>> from proletarian import enqueue
    >>> from proletarian.testing import create_tables
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> job_id = enqueue(connection, "send_welcome", {"account_id": 42})
    >>> assert_enqueued(connection, "send_welcome", {"account_id": 42})
    [send_welcome {'account_id': 42} in queue 'default']
    >>> assert_enqueued(connection, NewJob("send_welcome", {"account_id": 7}))
    Traceback (most recent call last):
    AssertionError: no waiting job is send_welcome {'account_id': 7}; waiting are:
      send_welcome {'account_id': 42} in queue 'default'
    >>> connection.close()
    """
    found = _look(connection, wanted(what, payload, queue_name, queue), "aassert_enqueued")
    return found.at_least_one() if count is None else found.exactly(count)


def assert_not_enqueued(
    connection: Any,
    what: Task[..., Any] | NewJob | str,
    payload: Any = ANY,
    /,
    *,
    queue_name: str | None = None,
    queue: Tasks | Queue | None = None,
) -> None:
    """
    Make sure that no such job is waiting; arguments and errors are those of `assert_enqueued`.

    A job that has already run is no longer waiting.
    """
    _look(connection, wanted(what, payload, queue_name, queue), "aassert_not_enqueued").exactly(0)


async def aassert_enqueued(
    connection: Any,
    what: Task[..., Any] | NewJob | str,
    payload: Any = ANY,
    /,
    *,
    queue_name: str | None = None,
    count: int | None = None,
    queue: Tasks | Queue | None = None,
) -> list[EnqueuedJob]:
    """Make sure that a job is waiting, on your async connection; otherwise like `assert_enqueued`."""
    found = await _alook(connection, wanted(what, payload, queue_name, queue), "assert_enqueued")
    return found.at_least_one() if count is None else found.exactly(count)


async def aassert_not_enqueued(
    connection: Any,
    what: Task[..., Any] | NewJob | str,
    payload: Any = ANY,
    /,
    *,
    queue_name: str | None = None,
    queue: Tasks | Queue | None = None,
) -> None:
    """Make sure that no such job is waiting, on your async connection; otherwise like `assert_not_enqueued`."""
    (await _alook(connection, wanted(what, payload, queue_name, queue), "assert_not_enqueued")).exactly(0)


@dataclass(frozen=True)
class Found:
    """What an assertion judges by."""

    wanted: Wanted
    waiting: list[EnqueuedJob]
    ended: Mapping[str, int]  # archived jobs of the type, by status
    table: str  # where it looked

    def fitting(self) -> list[EnqueuedJob]:
        """The jobs that match."""
        return [job for job in self.waiting if self.wanted.fits(job)]

    def at_least_one(self) -> list[EnqueuedJob]:
        """The jobs that match; raises an error if there are none."""
        __tracebackhide__ = True
        if not (fitting := self.fitting()):
            raise AssertionError(f"no waiting job is {self.wanted}; {self._instead()}")
        return fitting

    def exactly(self, count: int) -> list[EnqueuedJob]:
        """The jobs that match; raises an error if there are more or fewer."""
        __tracebackhide__ = True
        fitting = self.fitting()
        if len(fitting) == count:
            return fitting
        are = "waiting job is" if len(fitting) == 1 else "waiting jobs are"
        raise AssertionError(f"{len(fitting)} {are} {self.wanted}, not {count}; {self._instead()}")

    def _instead(self) -> str:
        if self.waiting:
            jobs = [f"\n  {job!r}" for job in self.waiting[:SHOWN]]
            more = f"\n  and {len(self.waiting) - SHOWN} more" if len(self.waiting) > SHOWN else ""
            said = f"waiting are:{''.join(jobs)}{more}"
        else:
            said = (
                f"no job waits in {self.table} at all (is it the connection and the queue that they were enqueued on?)"
            )
        if self.ended:
            kinds = ", ".join(f"{count} {status}" for status, count in sorted(self.ended.items()))
            said += f"\njobs of this type in the archive: {kinds}"
        return said


def _look(connection: Any, wanted: Wanted, other: str) -> Found:
    door = blocking(connection, other)
    return door.carry_out(_found(wanted, wanted.queue.dialect(door.database)))


async def _alook(connection: Any, wanted: Wanted, other: str) -> Found:
    door = awaiting(connection, other)
    return await door.acarry_out(_found(wanted, wanted.queue.dialect(door.database)))


def _found(wanted: Wanted, dialect: Dialect) -> Plan[Found]:
    jobs = yield from waiting(wanted.queue, dialect)
    table = dialect.tables.name("archived_job", dialect.name)
    ended = yield Statement(
        Text(f"SELECT status, count(*) FROM {table} WHERE job_type = :job_type GROUP BY status"),
        {"job_type": wanted.job_type},
    )
    return Found(
        wanted,
        jobs,
        {str(status): int(count) for status, count in ended},
        dialect.tables.name("job", dialect.name),
    )
