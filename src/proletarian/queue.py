"""
The application's side: put jobs in, on your own connection, inside your own transaction.

`Queue` is one value that holds what both sides must agree on. The functions of the same
names in `proletarian` are those of `Queue()`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property, lru_cache, partial
from typing import Any, TypeVar

from proletarian.drivers.driver import Driver
from proletarian.drivers.registry import driver_of
from proletarian.errors import ConfigurationError, LeaseLost, UnknownConnection, WrongCall
from proletarian.ids import UUID7, JobIds, Kind, kind_of
from proletarian.job import DEFAULT_QUEUE, Job, NewJob
from proletarian.limits import Limits
from proletarian.serializers import JsonSerializer, Serializer
from proletarian.sql.dialect import Dialect
from proletarian.sql.mysql import MySQL
from proletarian.sql.postgresql import PostgreSQL
from proletarian.sql.rows import Ended, NewRow
from proletarian.sql.sqlite import SQLite
from proletarian.sql.statements import Plan, arun, run
from proletarian.sql.tables import Tables

T = TypeVar("T")

DIALECTS: Mapping[str, type[Dialect]] = {"postgresql": PostgreSQL, "mysql": MySQL, "sqlite": SQLite}


@lru_cache(maxsize=64)
def dialect_for(database: str, tables: Tables, kind: Kind) -> Dialect:
    """The plans for one kind of database; made once for each set of tables."""
    return DIALECTS[database](tables, kind)


@dataclass(frozen=True)
class Queue:
    """
    What the application and its workers must agree on: tables, serializer, job ids.

    The defaults are right unless you share tables with another application. `clock` gives
    the time instead of the database, for tests.

    >>> Queue(tables=Tables(prefix="app."), job_ids=UUID7())     # doctest: +ELLIPSIS
    Queue(tables=Tables(prefix='app.', ...
    """

    tables: Tables = field(default_factory=Tables)
    serializer: Serializer = field(default_factory=JsonSerializer)
    job_ids: JobIds = field(default_factory=UUID7)
    clock: Callable[[], datetime] | None = None
    limits: Limits = field(default_factory=Limits)

    def __post_init__(self) -> None:
        if not isinstance(self.tables, Tables):
            raise ConfigurationError(f"tables is a Tables value, not {self.tables!r}")
        if isinstance(self.serializer, type) or not isinstance(self.serializer, Serializer):
            raise ConfigurationError(
                f"serializer is an object with encode(data) and decode(text), not {self.serializer!r}"
            )
        if self.clock is not None and not callable(self.clock):
            raise ConfigurationError(f"clock is a function that gives an aware datetime, not {self.clock!r}")
        if not isinstance(self.limits, Limits):
            raise ConfigurationError(f"limits is a Limits value, not {self.limits!r}")
        _ = self.kind

    @cached_property
    def kind(self) -> Kind:
        """The column type that the job ids need: uuid, bigint or text."""
        return kind_of(self.job_ids)

    @cached_property
    def default_queue(self) -> str:
        """Where jobs go that name no queue; in tables shared with Clojure the serializer says it."""
        return getattr(self.serializer, "default_queue", DEFAULT_QUEUE)

    @cached_property
    def _check_name(self) -> Callable[[str], None] | None:
        return getattr(self.serializer, "check_name", None)

    def enqueue(
        self,
        connection: Any,
        job_type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        process_at: datetime | None = None,
        process_in: float | timedelta | None = None,
        priority: int | None = None,
        job_id: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """
        Put a job in on your connection, inside its open transaction; gives the job id.

        Never commits. `process_at` is an aware datetime, `process_in` seconds or a timedelta;
        the past means now. A higher `priority` runs sooner. Raises `PayloadError`,
        `WrongCall` for an async connection, `UnknownConnection` for what is no connection,
        `SchemaOutOfDate` when the tables are missing.
        """
        job = NewJob(job_type, payload, queue=queue, process_at=process_at, process_in=process_in,
                     priority=priority, job_id=job_id, headers=headers)  # fmt: skip
        return self.enqueue_job(connection, job)

    async def aenqueue(
        self,
        connection: Any,
        job_type: str,
        payload: Any = None,
        *,
        queue: str | None = None,
        process_at: datetime | None = None,
        process_in: float | timedelta | None = None,
        priority: int | None = None,
        job_id: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Put a job in on your async connection; as `enqueue` otherwise."""
        job = NewJob(job_type, payload, queue=queue, process_at=process_at, process_in=process_in,
                     priority=priority, job_id=job_id, headers=headers)  # fmt: skip
        return await self.aenqueue_job(connection, job)

    def enqueue_job(self, connection: Any, job: NewJob) -> Any:
        """Put in a job that is a value already; gives its id."""
        driver = blocking(connection, "aenqueue")
        return self.job_ids.decode(self.carry_out(driver, connection, self._enqueue(driver, connection, job)))

    async def aenqueue_job(self, connection: Any, job: NewJob) -> Any:
        """The same on an async connection."""
        driver = awaiting(connection, "enqueue")
        return self.job_ids.decode(await self.acarry_out(driver, connection, self._enqueue(driver, connection, job)))

    def enqueue_many(self, connection: Any, jobs: Iterable[NewJob]) -> list[Any]:
        """
        Put many jobs in, in few round trips (COPY where the driver can); gives their ids in order.

        All or none: a payload which does not fit leaves nothing behind, and your transaction
        as it was. Never commits.
        """
        driver = blocking(connection, "aenqueue_many")
        stored = self.carry_out(driver, connection, self._enqueue_many(driver, connection, jobs))
        return [self.job_ids.decode(job_id) for job_id in stored]

    async def aenqueue_many(self, connection: Any, jobs: Iterable[NewJob]) -> list[Any]:
        """Put many jobs in on your async connection; as `enqueue_many` otherwise."""
        driver = awaiting(connection, "enqueue_many")
        stored = await self.acarry_out(driver, connection, self._enqueue_many(driver, connection, jobs))
        return [self.job_ids.decode(job_id) for job_id in stored]

    def complete(self, connection: Any, job: Job, ended: Ended, worker_id: Any, worker: str) -> None:
        """Archive a running job on its handler's own connection; see `Job.complete`."""
        driver = blocking(connection, "acomplete")
        plan = self._complete(driver, connection, job, ended, worker_id, worker)
        self.carry_out(driver, connection, plan)

    async def acomplete(self, connection: Any, job: Job, ended: Ended, worker_id: Any, worker: str) -> None:
        """The same on an async connection."""
        driver = awaiting(connection, "complete")
        plan = self._complete(driver, connection, job, ended, worker_id, worker)
        await self.acarry_out(driver, connection, plan)

    # What is carried out: plans.

    def dialect(self, database: str) -> Dialect:
        """The plans for this queue on one kind of database."""
        return dialect_for(database, self.tables, self.kind)

    def now(self) -> datetime | None:
        """The time of the clock, if there is one; otherwise the database's time counts."""
        return self.clock() if self.clock else None

    def row(self, job: NewJob, dialect: Dialect) -> NewRow:
        """A job encoded for its row."""
        if not isinstance(job, NewJob):
            raise ConfigurationError(f"a NewJob is needed (task.job(…) makes one), not {job!r}")
        job_id = self.job_ids.generate() if job.job_id is None else job.job_id
        queue = self.default_queue if job.queue is None else job.queue
        if self._check_name is not None:
            self._check_name(queue)
            self._check_name(job.job_type)
        # In order: names would take half of the time that making one takes.
        return NewRow(
            dialect.stored_id(self.job_ids.encode(job_id)),
            queue,
            job.job_type,
            self.limits.checked_payload(job.job_type, self.serializer.encode(job.payload)),
            job.priority or 0,
            self.limits.checked_headers(job.job_type, job.headers) if job.headers else None,
            job.process_at,
            None if job.process_in is None else job.delay,
        )

    def _enqueue(self, driver: Driver, connection: Any, job: NewJob) -> Plan[Any]:
        dialect = self.dialect(driver.database_of(connection))
        stored = yield from dialect.enqueue(self.row(job, dialect), self.now())
        return dialect.loaded_id(stored)

    def _enqueue_many(self, driver: Driver, connection: Any, jobs: Iterable[NewJob]) -> Plan[list[Any]]:
        dialect = self.dialect(driver.database_of(connection))
        jobs = list(jobs)  # what makes them may use this connection
        if not jobs:
            return []
        rows = (self.row(job, dialect) for job in jobs)
        stored = yield from dialect.enqueue_many(rows, self.now(), copy=driver.copies)
        return [dialect.loaded_id(job_id) for job_id in stored]

    def _complete(
        self, driver: Driver, connection: Any, job: Job, ended: Ended, worker_id: Any, worker: str
    ) -> Plan[None]:
        dialect = self.dialect(driver.database_of(connection))
        ours = yield from dialect.joined(dialect.settle(worker_id, worker, [ended], self.now()))
        if not ours:
            raise LeaseLost(
                f"job {job.job_id} was taken back from this worker (run {ended.run_id}); "
                "roll your transaction back: another worker runs it"
            )

    def carry_out(self, driver: Driver, connection: Any, plan: Plan[T]) -> T:
        """Carry out a plan on the application's blocking connection."""
        execute = driver.execute
        assert execute is not None  # noqa: S101 (`blocking` has seen to it)
        try:
            return run(plan, partial(execute, connection))
        except Exception as error:
            if better := driver.explain(error):
                raise better from error
            raise

    async def acarry_out(self, driver: Driver, connection: Any, plan: Plan[T]) -> T:
        """Carry out a plan on the application's async connection."""
        execute = driver.aexecute
        assert execute is not None  # noqa: S101 (`awaiting` has seen to it)
        try:
            return await arun(plan, partial(execute, connection))
        except Exception as error:
            if better := driver.explain(error):
                raise better from error
            raise


def blocking(connection: Any, other: str) -> Driver:
    """The driver of a blocking connection; an async one raises and is told the `other` call."""
    driver = driver_of(connection)
    if driver.execute is None:
        raise WrongCall(f"{driver.connection} is an async connection: use `await {other}(…)`")
    require_open(driver, connection)
    return driver


def awaiting(connection: Any, other: str) -> Driver:
    """The driver of an async connection; a blocking one raises and is told the `other` call."""
    driver = driver_of(connection)
    if driver.aexecute is None:
        raise WrongCall(f"{driver.connection} is a blocking connection: use `{other}(…)`, without await")
    require_open(driver, connection)
    return driver


def require_open(driver: Driver, connection: Any) -> None:
    """Refuse a connection that was closed, or given back to its pool."""
    if driver.is_closed(connection):
        raise UnknownConnection(f"this {driver.connection} is closed: pass one that is open, in your transaction")


DEFAULT = Queue()
enqueue = DEFAULT.enqueue
aenqueue = DEFAULT.aenqueue
enqueue_many = DEFAULT.enqueue_many
aenqueue_many = DEFAULT.aenqueue_many
