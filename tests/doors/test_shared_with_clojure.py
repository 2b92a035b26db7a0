"""A queue in tables that a Clojure application shares: its names, its payloads, its columns."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from proletarian import (
    ConfigurationError,
    Job,
    NewJob,
    Queue,
    Tables,
    Tasks,
    TransitSerializer,
    Worker,
    migrate,
    process_next_job,
)
from proletarian.transit import Keyword
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase

shared = Queue(serializer=TransitSerializer(keyword_keys=True))
tasks = Tasks(queue=shared)
seen: list[Any] = []


@tasks.task(name=":app/send-mail")
def send_mail(job: Job, account_id: int, when: datetime | None = None, key: UUID | None = None) -> None:
    seen.append((account_id, when, key, job.queue))


def test_a_job_is_written_as_clojure_reads_it(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        send_mail.enqueue(connection, account_id=42)
        connection.commit()
    rows = database.rows(f"SELECT queue, job_type, payload, attempts FROM {database.table('job')}")

    assert rows == [(":proletarian/default", ":app/send-mail", '["^ ","~:account_id",42]', 0)]


def test_a_job_of_clojures_runs_here(database: PrivateDatabase) -> None:
    """The origin names seven columns; ours have their defaults."""
    seen.clear()
    payload = '["^ ","~:account_id",42,"~:when","~m1700000000123","~:key","~u531a379e-31bb-4ce1-8690-158dceb64be6"]'
    job_id, now = UUID("6b1c3a39-5e70-4f2b-8ad8-5a1a0f0fb7d5"), datetime.now(UTC)
    stored: Any = {"postgresql": job_id, "mysql": job_id.bytes, "sqlite": str(job_id)}[database.kind]
    moment: Any = now if database.kind == "postgresql" else now.strftime("%Y-%m-%d %H:%M:%S.%f")
    database.rows(
        f"INSERT INTO {database.table('job')} (job_id, queue, job_type, payload, attempts, enqueued_at, process_at) "
        "VALUES (%s, %s, %s, %s, 0, %s, %s)",
        (stored, ":proletarian/default", ":app/send-mail", payload, moment, moment),
    )
    assert Worker(database.url, tasks).drain() == 1

    when = datetime(2023, 11, 14, 22, 13, 20, 123000, tzinfo=UTC)
    assert seen == [(42, when, UUID("531a379e-31bb-4ce1-8690-158dceb64be6"), ":proletarian/default")]
    assert database.archive() == [(":app/send-mail", "success")]


def test_a_plain_handler_gets_what_transit_says(sqlite: PrivateDatabase) -> None:
    got: list[Any] = []
    with sqlite.connection() as connection, connection:
        shared.enqueue(connection, ":app/report", {"on": datetime(2026, 1, 1, tzinfo=UTC), "of": Keyword("sales")})
    assert process_next_job(sqlite.url, lambda job: got.append(job.payload), queue=shared)

    assert got == [{"on": datetime(2026, 1, 1, tzinfo=UTC), "of": Keyword("sales")}]
    assert type(got[0]["of"]) is Keyword


@pytest.mark.parametrize(
    "name",
    ["send_mail", "send mail", "@mail", "1abc", ":", ":1abc", ":a/b/c", ":/a", ":a/", ":a b", "::a", ":a:", ":a,b"],
)
def test_a_name_that_would_stop_a_clojure_worker_is_refused(name: str, sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection:
        with pytest.raises(ConfigurationError, match="is not a printed keyword"):
            shared.enqueue(connection, name)
        with pytest.raises(ConfigurationError, match="is not a printed keyword"):
            shared.enqueue(connection, ":app/fine", queue=name)
        with pytest.raises(ConfigurationError, match="is not a printed keyword"):
            shared.enqueue_many(connection, [NewJob(":app/fine"), NewJob(name)])

    assert sqlite.count("job") == 0


@pytest.mark.parametrize("name", [":mail", ":app/send-mail", ":app.mail/send!", ":a/b?", ":x-1"])
def test_printed_keywords_are_taken(name: str, sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection, connection:
        shared.enqueue(connection, name, queue=name)

    assert sqlite.count("job") == 1


POSTGRESQL_OF_THE_ORIGIN = """
CREATE SCHEMA IF NOT EXISTS proletarian;
CREATE TABLE IF NOT EXISTS proletarian.job (
    job_id UUID PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INTEGER NOT NULL, enqueued_at TIMESTAMP NOT NULL, process_at TIMESTAMP NOT NULL
);
CREATE TABLE IF NOT EXISTS proletarian.archived_job (
    job_id UUID PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INTEGER NOT NULL, enqueued_at TIMESTAMP NOT NULL, process_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL, finished_at TIMESTAMP NOT NULL
);
CREATE INDEX job_queue_process_at ON proletarian.job (queue, process_at);
"""
MYSQL_OF_THE_ORIGIN = """
CREATE DATABASE IF NOT EXISTS {schema};
CREATE TABLE IF NOT EXISTS {schema}.job (
    job_id BINARY(16) PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INTEGER NOT NULL, enqueued_at TIMESTAMP NOT NULL, process_at TIMESTAMP NOT NULL,
    INDEX (queue(256), process_at)
);
CREATE TABLE IF NOT EXISTS {schema}.archived_job (
    job_id BINARY(16) PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INTEGER NOT NULL, enqueued_at TIMESTAMP NOT NULL, process_at TIMESTAMP NOT NULL,
    status TEXT NOT NULL, finished_at TIMESTAMP NOT NULL
);
"""


@pytest.fixture(params=["postgresql", "mariadb", "mysql"])
def origins(request: pytest.FixtureRequest, new_database: DatabaseOf) -> tuple[PrivateDatabase, Queue]:
    """A database with the tables as the original's own file makes them, and the queue on them."""
    database = new_database(request.param)
    if database.kind == "postgresql":
        database.run_script(POSTGRESQL_OF_THE_ORIGIN)
        return database, shared
    schema = database.url.rpartition("/")[2]  # where the original has `proletarian`, which all tests would share
    database.run_script(MYSQL_OF_THE_ORIGIN.format(schema=schema))
    return database, replace(shared, tables=Tables(prefix=f"{schema}."))


def test_the_tables_of_the_origin_are_completed(origins: tuple[PrivateDatabase, Queue]) -> None:
    """`migrate` adds what the origin's two tables lack: rows that wait in them run, and each kind of enqueue works."""
    database, queue = origins
    job, archive = queue.tables.name("job", database.kind), queue.tables.name("archived_job", database.kind)
    insert = (
        f"INSERT INTO {job} (job_id, queue, job_type, payload, attempts, enqueued_at, process_at) "
        "VALUES (%s, ':proletarian/default', ':app/send-mail', '[\"^ \",\"~:account_id\",1]', 0, "
        "'2026-01-02 03:04:05', '2026-01-02 03:04:05')"
    )
    ids: list[Any] = [UUID(int=1), UUID(int=2)]
    ids = ids if database.kind == "postgresql" else [job_id.bytes for job_id in ids]
    database.rows(insert, [ids[0]])
    migrate(database.url, queue)
    assert migrate(database.url, queue) == []

    database.rows(insert, [ids[1]])  # as the original goes on doing
    with database.connection() as connection:
        for at in (None, datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)):
            queue.enqueue(connection, ":app/send-mail", {"account_id": 2}, process_at=at)
        queue.enqueue_many(connection, [NewJob(":app/send-mail", {"account_id": n}) for n in range(150)])
        connection.commit()
    assert Worker(database.url, send_mail_alone(queue)).drain() == 154
    assert database.rows(f"SELECT status, count(*) FROM {archive} GROUP BY status") == [("success", 154)]
    assert database.rows(f"SELECT min(enqueued_at) FROM {archive}")[0][0].strftime("%d %H:%M:%S") == "02 03:04:05"


def test_the_origins_tables_keep_times_as_they_are_meant(new_database: DatabaseOf) -> None:
    """Its columns have no time zone, so what a session means by a time would depend on its own."""
    database = new_database("postgresql")
    database.run_script(POSTGRESQL_OF_THE_ORIGIN)
    migrate(database.url, shared)
    with database.connection() as connection:
        connection.execute("SET timezone TO 'Pacific/Auckland'")
        send_mail.enqueue(connection, account_id=3)
        connection.commit()

    assert Worker(database.url, tasks).drain() == 1


def send_mail_alone(queue: Queue) -> Tasks:
    """The one task, on this queue."""
    alone = Tasks(queue=queue)
    alone.task(name=":app/send-mail")(send_mail.function)
    return alone
