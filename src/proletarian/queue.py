"""
The application's side: enqueue jobs on your own connection, inside your own transaction.

`Queue` is one value that holds what both sides must agree on.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, Unpack

from proletarian.awaiting.results import Results
from proletarian.control.acting import Acting
from proletarian.control.limiting import Limiting
from proletarian.control.pausing import Pausing
from proletarian.control.scheduling import Scheduling
from proletarian.drivers.door import Door, awaiting, blocking
from proletarian.enqueueing.around import Around, awithin, checked, within
from proletarian.enqueueing.choosing import enqueue_all, enqueue_one
from proletarian.errors import ConfigurationError, JobIdTaken, LeaseLost, PayloadError
from proletarian.ids import UUID7, JobIds, Kind, kind_of
from proletarian.job import DEFAULT_QUEUE, EnqueueOptions, Job, NewJob
from proletarian.looking.jobs import Looking
from proletarian.looking.overview import Overview
from proletarian.payloads.fidelity import unfit
from proletarian.serializers import JsonSerializer, Serializer
from proletarian.sizes import Sizes
from proletarian.sql.dialect import Dialect
from proletarian.sql.dialects import dialect_for
from proletarian.sql.namesakes import is_taken
from proletarian.sql.rows import Ended, NewRow
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan
from proletarian.sql.tables import Tables
from proletarian.sql.transactions import joined
from proletarian.times.expiry import deadline, with_expiry
from proletarian.times.moments import EARLIEST


@dataclass(frozen=True)
class Queue(Looking, Overview, Acting, Pausing, Limiting, Scheduling, Results):
    """
    Tables, serializer and job ids: what the application and its workers must agree on.

    The defaults are right unless you share tables with another application. `clock` returns the time instead of the
    database, for tests. With `notifies=False` workers are not notified of new jobs, and find them at the next poll.
    This is for transactions that you prepare yourself (`PREPARE TRANSACTION`), because PostgreSQL refuses to prepare
    one that has notified.

    >>> Queue(tables=Tables(prefix="app."), job_ids=UUID7())     # doctest: +ELLIPSIS
    Queue(tables=Tables(prefix='app.', ...
    """

    tables: Tables = field(default_factory=Tables)
    serializer: Serializer = field(default_factory=JsonSerializer)
    job_ids: JobIds = field(default_factory=UUID7)
    clock: Callable[[], datetime] | None = None
    sizes: Sizes = field(default_factory=Sizes)
    notifies: bool = True
    around: tuple[Around, ...] = field(default=(), repr=False, compare=False)  # see `around_enqueue`

    def __post_init__(self) -> None:
        if not isinstance(self.tables, Tables):
            raise ConfigurationError(f"tables is a Tables value, not {self.tables!r}")
        if isinstance(self.serializer, type) or not isinstance(self.serializer, Serializer):
            raise ConfigurationError(
                f"serializer is an object with encode(data) and decode(text), not {self.serializer!r}"
            )
        if self.clock is not None and not callable(self.clock):
            raise ConfigurationError(f"clock is a function that returns an aware datetime, not {self.clock!r}")
        if not isinstance(self.sizes, Sizes):
            raise ConfigurationError(f"sizes is a Sizes value, not {self.sizes!r}")
        for function in self.around:
            checked(function)
        _ = self.kind

    def _shared(self) -> Queue:
        return self

    @cached_property
    def kind(self) -> Kind:
        """The column type that the job ids need: uuid, bigint or text."""
        return kind_of(self.job_ids)

    @cached_property
    def default_queue(self) -> str:
        """Where jobs go that name no queue; in tables shared with Clojure the serializer decides."""
        return getattr(self.serializer, "default_queue", DEFAULT_QUEUE)

    @cached_property
    def _check_name(self) -> Callable[[str], None] | None:
        return getattr(self.serializer, "check_name", None)

    def enqueue(self, connection: Any, job_type: str, payload: Any = None, **options: Unpack[EnqueueOptions]) -> Any:
        """
        Enqueue a job on your connection, inside its open transaction; returns the job id.

        Options: `queue`; `process_at`, an aware datetime, or `process_in`, seconds or a timedelta (the past means now);
        `priority` (higher ones run first); `job_id`; `headers`, strings that travel with the job. `unique`, a `Unique`
        or the key as a string: if such a job exists, its id is returned and nothing is enqueued. `expires_in`, seconds
        or a timedelta: a job that has not started by then is archived as cancelled. Never commits. Raises
        `PayloadError`, `ConfigurationError` for an invalid option, `WrongCall` for an async connection,
        `UnknownConnection` for something that is not a connection, `SchemaOutOfDate` when the tables are missing.
        """
        return self.enqueue_job(connection, NewJob(job_type, payload, **options))

    async def aenqueue(
        self, connection: Any, job_type: str, payload: Any = None, **options: Unpack[EnqueueOptions]
    ) -> Any:
        """Enqueue a job on your async connection; otherwise like `enqueue`."""
        return await self.aenqueue_job(connection, NewJob(job_type, payload, **options))

    def enqueue_job(self, connection: Any, job: NewJob) -> Any:
        """Enqueue a `NewJob`; returns its id."""
        door = blocking(connection, "aenqueue")
        if self.around:
            [job_id] = within(self.around, connection, [job], lambda jobs: self._one(door, *jobs))
            return job_id
        return self._one(door, job)[0]

    async def aenqueue_job(self, connection: Any, job: NewJob) -> Any:
        """The same on an async connection."""
        door = awaiting(connection, "enqueue")
        if self.around:
            [job_id] = await awithin(self.around, connection, [job], lambda jobs: self._aone(door, *jobs))
            return job_id
        return (await self._aone(door, job))[0]

    def _one(self, door: Door, job: NewJob) -> list[Any]:
        return [self.job_ids.decode(door.carry_out(enqueue_one(self, door, job)))]

    async def _aone(self, door: Door, job: NewJob) -> list[Any]:
        return [self.job_ids.decode(await door.acarry_out(enqueue_one(self, door, job)))]

    def enqueue_many(self, connection: Any, jobs: Iterable[NewJob]) -> list[Any]:
        """
        Enqueue many jobs, in few round trips (COPY where the driver can); returns their ids in order.

        All or nothing: if one payload does not fit, no job is inserted and your transaction is as it was. Never
        commits.
        """
        door = blocking(connection, "aenqueue_many")

        def enqueue(jobs: Sequence[NewJob]) -> list[Any]:
            return [self.job_ids.decode(job_id) for job_id in door.carry_out(enqueue_all(self, door, jobs))]

        return within(self.around, connection, list(jobs), enqueue)  # a list: a generator may use this connection

    async def aenqueue_many(self, connection: Any, jobs: Iterable[NewJob]) -> list[Any]:
        """Enqueue many jobs on your async connection; otherwise like `enqueue_many`."""
        door = awaiting(connection, "enqueue_many")

        async def enqueue(jobs: Sequence[NewJob]) -> list[Any]:
            return [self.job_ids.decode(job_id) for job_id in await door.acarry_out(enqueue_all(self, door, jobs))]

        return await awithin(self.around, connection, list(jobs), enqueue)

    def around_enqueue(self, function: Around) -> Around:
        """Run a function around every enqueue to this queue; see `Tasks.around_enqueue`."""
        object.__setattr__(self, "around", (*self.around, checked(function)))
        return function

    def complete(self, connection: Any, job: Job, ended: Ended, worker_id: Any, worker: str) -> None:
        """Archive a running job on its handler's own connection; see `Job.complete`."""
        door = blocking(connection, "acomplete")
        door.carry_out(self._complete(door, job, ended, worker_id, worker))

    async def acomplete(self, connection: Any, job: Job, ended: Ended, worker_id: Any, worker: str) -> None:
        """The same on an async connection."""
        door = awaiting(connection, "complete")
        await door.acarry_out(self._complete(door, job, ended, worker_id, worker))

    # What plans need.

    def dialect(self, database: str) -> Dialect:
        """The dialect for this queue on one kind of database; see `sql/dialect.py`."""
        return dialect_for(database, self.tables, self.kind)

    def now(self) -> datetime | None:
        """The time of the clock, if there is one; otherwise the database's time counts."""
        return self.clock() if self.clock else None

    def row(self, job: NewJob, dialect: Dialect) -> NewRow:
        """A job encoded for its row."""
        if not isinstance(job, NewJob):
            raise ConfigurationError(f"a NewJob is needed (task.job(…) makes one), not {job!r}")
        try:
            payload = self.serializer.encode(job.payload)
        except PayloadError as error:
            raise self._unfit(job, error) from error
        job_id = self.job_ids.generate() if job.job_id is None else job.job_id
        queue = self.default_queue if job.queue is None else job.queue
        if self._check_name is not None:
            self._check_name(queue)
            self._check_name(job.job_type)
        # By position: names would take half of the time that creating one takes.
        return NewRow(
            dialect.stored_id(self.job_ids.encode(job_id)),
            queue,
            job.job_type,
            self.sizes.checked_payload(job.job_type, payload),
            job.priority or 0,
            self._headers(job) if job.headers or job.expires_in is not None else None,
            None if job.process_at is None else max(job.process_at, EARLIEST),
            None if job.process_in is None else job.delay,
            job.lane or "",
        )

    def _headers(self, job: NewJob) -> str | None:
        headers = job.headers or {}
        if job.expires_in is not None:
            headers = with_expiry(headers, job.expires_in)
            until = deadline(headers, self.now() or datetime.now(UTC))
            if until is not None and job.process_at is not None and job.process_at >= until:
                raise ConfigurationError(
                    f"{job.job_type!r} is due at {job.process_at}, but expires before that, at {until}: it could "
                    f"never start"
                )
        return self.sizes.checked_headers(job.job_type, headers)

    def _unfit(self, job: NewJob, error: PayloadError) -> PayloadError:
        payload = job.payload if isinstance(job.payload, Mapping) else {"payload": job.payload}
        said = ((name, unfit(value)) for name, value in payload.items())
        found = next((f"parameter {name!r}: {name}{words}" for name, words in said if words), error)
        return PayloadError(f"{job.job_type}: {found}")

    def _complete(self, door: Door, job: Job, ended: Ended, worker_id: Any, worker: str) -> Plan[None]:
        dialect = self.dialect(door.database)
        try:
            ours = yield from joined(dialect, settle(dialect, worker_id, worker, [ended], self.now()))
        except Exception as error:
            if is_taken(error):
                raise JobIdTaken(
                    f"the id {job.job_id} was given to two jobs, and the other one is already archived: this one "
                    f"cannot be completed; roll back your transaction"
                ) from error
            raise
        if not ours:
            raise LeaseLost(
                f"job {job.job_id} was taken back from this worker (run {ended.run_id}); roll back your "
                f"transaction: another worker runs it"
            )
