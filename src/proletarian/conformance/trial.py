"""What a check works with: empty tables, applications that enqueue, workers that claim."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from proletarian.conformance.application import Application
from proletarian.conformance.member import Member
from proletarian.conformance.subject import Subject
from proletarian.connections.database import Database
from proletarian.errors import SchemaOutOfDate
from proletarian.job import NewJob
from proletarian.migration import check_schema, migrate
from proletarian.outcomes import Outcome
from proletarian.queue import Queue
from proletarian.sql.enqueueing import enqueue_many
from proletarian.sql.living import beat, peers, unregister
from proletarian.sql.rows import Claimed, Judged
from proletarian.sql.statements import Rows, Statement, Text
from proletarian.sql.tables import OF_JOBS, TABLES, Tables
from proletarian.worker.blame import Evidence
from proletarian.worker.keeping.recovery import Recovered, recover


class Trial:
    """One run of a check on one subject; everything that it opens is closed at the end."""

    def __init__(self, subject: Subject, closing: contextlib.ExitStack, queue: Queue | None = None) -> None:
        self.subject = subject
        self.queue = queue or Queue()
        self.database = Database(subject.url, self.queue)
        self.dialect = self.database.dialect
        self._closing = closing
        self.database.create()
        self.connection = self.database.connect()
        closing.callback(self.connection.close)
        try:
            check_schema(self.connection, self.database)
        except SchemaOutOfDate:
            migrate(subject.url, self.queue)
        self._empty()

    def with_queue(self, **options: Any) -> Trial:
        """The same with another `Queue`, in its own tables if it names none."""
        options.setdefault("tables", Tables(prefix="contract_"))
        queue = replace(Queue(), **options)
        if queue.kind != "uuid":
            queue = replace(queue, tables=Tables(prefix=f"contract_{queue.kind}_"))
        return Trial(self.subject, self._closing, queue)

    # Who takes part.

    def application(self) -> Application:
        """Another application, with a connection of the subject's library."""
        application = Application(self.subject, self.queue)
        self._closing.callback(application.close)
        return application

    def worker(self, *, lost_after: float = 60.0) -> Member:
        """Another worker, registered, with its own connection and without a lock."""
        member = Member(self.database, lost_after=lost_after)
        self._closing.callback(member.connection.close)
        return member

    # What happens beside the code under test.

    def put(self, *jobs: NewJob) -> list[Any]:
        """Enqueue jobs and commit; returns their ids."""
        rows = [self.queue.row(job, self.dialect) for job in jobs]
        stored = self.connection.run(enqueue_many(self.dialect, rows, self.queue.now(), copy=False))
        return [self.queue.job_ids.decode(self.dialect.loaded_id(job_id)) for job_id in stored]

    def put_one(self, **options: Any) -> Any:
        """Enqueue one job and commit; returns its id."""
        [job_id] = self.put(NewJob("greet", **options))
        return job_id

    def recover(self, *dead: Member, status: str | None = None) -> Recovered:
        """Bury workers and take back their runs: to wait again, or with `status`, to the archive."""

        def decide(run: Claimed, _: str, found: Evidence) -> Outcome:
            return Outcome("job.released", status, run.attempts, run.lost + 1)

        return self.connection.run(recover(self.dialect, self.judged(*dead), decide, self.queue.now()))

    def judged(self, *dead: Member) -> list[Judged]:
        """Workers that count as dead, as seen now."""
        dead_ids = {member.worker_id for member in dead}
        seen = self.connection.run(peers(self.dialect))
        return [Judged(c.worker_id, c.seen_at) for c in seen if c.worker_id in dead_ids]

    # What can be seen by a session other than the one under test.

    def table(self, name: str) -> str:
        """The full name of one of the tables."""
        return self.queue.tables.name(name, self.database.kind)

    def say(self, sql: str, **parameters: Any) -> Rows:
        """Execute a statement outside the code under test."""
        return self.connection.execute(Statement(Text(sql), parameters))

    def _empty(self) -> None:
        """Empty the tables; most of them already are empty, and one query tells which."""
        others = [name for name in TABLES if name not in ("migration", *OF_JOBS)]
        tables = [self.table(name) for name in (*OF_JOBS, *others)]
        [held] = self.say("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables))
        for table in itertools.compress(tables, held):
            self.say(f"DELETE FROM {table}")

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return int(self.say(f"SELECT count(*) FROM {self.table(table)}")[0][0])

    def counts(self) -> tuple[int, int, int]:
        """How many jobs are waiting, running and archived."""
        waiting, running, archived = (self.count(table) for table in OF_JOBS)
        return waiting, running, archived

    def find(self, job_id: Any, *columns: str) -> tuple[Any, ...]:
        """The name of the table that a job is in, and the values of these columns."""
        stored = self.dialect.stored_id(self.queue.job_ids.encode(job_id))
        places = [table for table in OF_JOBS if self._select("job_id", table, stored)]
        assert len(places) == 1, f"job {job_id} should be in one place and is in: {places}"
        [row] = self._select(", ".join(columns or ("job_id",)), places[0], stored)
        return places[0], *map(self._loaded, columns, row)

    def _select(self, columns: str, table: str, stored: Any) -> Rows:
        return self.say(f"SELECT {columns} FROM {self.table(table)} WHERE job_id = :job_id", job_id=stored)

    def _loaded(self, column: str, value: Any) -> Any:
        if column == "worker_id":
            return self.dialect.loaded_worker(value)
        return self.dialect.loaded_time(value) if column.endswith("_at") and value is not None else value

    def time(self) -> datetime:
        """The database's time, in UTC."""
        worker = self.worker()
        row = self.connection.run(beat(self.dialect, worker.worker_id))
        assert row is not None, "a worker that has just registered is there"
        self.connection.run(unregister(self.dialect, worker.worker_id))
        return self.dialect.loaded_time(row[0]).astimezone(UTC)


def refused(kind: type[Exception] | tuple[type[Exception], ...], call: Callable[[], object]) -> str:
    """The message of a call that must raise this error, or one of these."""
    try:
        call()
    except kind as error:
        return str(error)
    raise AssertionError(f"this must raise {kind}")


def types(jobs: Sequence[Claimed]) -> list[str]:
    """The job types of claimed jobs, in order."""
    return [job.job_type for job in jobs]
