"""The tables: made once, brought up to date, and missed with clear words."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Mapping

import pytest

from proletarian import (
    UUID4,
    ConfigurationError,
    DatabaseGenerated,
    NewJob,
    Queue,
    SchemaOutOfDate,
    Tables,
    Worker,
    enqueue,
    migrate,
)
from proletarian.database import Database
from proletarian.migration import migrations, missing, script
from tests.conftest import DatabaseOf
from tests.databases import PRODUCTS, PrivateDatabase
from tests.worker.fleet import ROOT

COLUMNS: Mapping[str, set[str]] = {
    "job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors",
    },
    "running_job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors", "worker_id", "run_id", "started_at", "progress",
    },
    "archived_job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors", "status", "started_at", "finished_at", "worker", "result",
    },
    "worker": {"worker_id", "host", "pid", "queues", "started_at", "seen_at"},
}  # fmt: skip


@pytest.fixture(params=PRODUCTS)
def bare(request: pytest.FixtureRequest, new_database: DatabaseOf) -> PrivateDatabase:
    """A database without tables, of each product in turn."""
    return new_database(request.param)


def columns(database: PrivateDatabase, table: str) -> set[str]:
    """The columns of one of the library's tables."""
    with database.connection() as connection:
        cursor = connection.cursor()
        cursor.execute(f"SELECT * FROM {database.table(table)}")
        return {column[0] for column in cursor.description}


def test_the_tables_have_the_promised_columns(bare: PrivateDatabase) -> None:
    done = migrate(bare.url)

    assert [migration.number for migration in done] == list(range(1, len(done) + 1))
    for table, promised in COLUMNS.items():
        assert columns(bare, table) >= promised


def test_a_second_migration_does_nothing(bare: PrivateDatabase) -> None:
    migrate(bare.url)
    bare.put(NewJob("greet"))

    assert migrate(bare.url) == []
    assert bare.count("job") == 1
    assert missing(Database(bare.url)) == []


def test_several_migrations_at_once_are_harmless(bare: PrivateDatabase) -> None:
    done: list[int] = []
    errors: list[Exception] = []

    def run() -> None:
        try:
            done.append(len(migrate(bare.url)))
        except Exception as error:  # noqa: BLE001 (whatever it is, it must not be)
            errors.append(error)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert errors == []
    assert sorted(done) == [0, 0, 0, len(migrations(Database(bare.url).dialect))]


def test_the_printed_script_does_the_same(bare: PrivateDatabase) -> None:
    dialect = Database(bare.url).dialect
    text = script(dialect, migrations(dialect))
    bare.run_script(text)

    assert migrate(bare.url) == []
    bare.put(NewJob("greet"))
    assert Worker(bare.url, lambda job: None).drain() == 1


def test_without_tables_every_way_in_says_what_to_do(bare: PrivateDatabase) -> None:
    worker = Worker(bare.url, lambda job: None)
    for start in (worker.start, worker.drain, worker.run):
        with pytest.raises(SchemaOutOfDate, match=r"(has no tables|is no file).* run `proletarian migrate"):
            start()
    with bare.connection() as connection, pytest.raises(SchemaOutOfDate, match="run `proletarian migrate"):
        enqueue(connection, "greet")
    assert not worker.is_running


def test_older_tables_are_refused_by_the_worker(database: PrivateDatabase, new_database: DatabaseOf) -> None:
    old = new_database(database.product)
    old.migrate()
    old.rows(f"UPDATE {old.table('migration')} SET number = 0")
    with pytest.raises(SchemaOutOfDate, match=r"are at version 0, this release needs \d+; run"):
        Worker(old.url, print).start()


def test_newer_tables_are_fine(database: PrivateDatabase, new_database: DatabaseOf) -> None:
    new = new_database(database.product)
    new.migrate()
    new.rows(f"INSERT INTO {new.table('migration')} (number, name) VALUES (9999, 'of a later release')")
    new.put(NewJob("greet"))

    assert migrate(new.url) == []
    assert Worker(new.url, lambda job: None).drain() == 1


def test_tables_for_ids_of_another_type_are_refused(bare: PrivateDatabase) -> None:
    migrate(bare.url)
    migrate(bare.url, Queue(job_ids=UUID4()))  # the same type

    with pytest.raises(ConfigurationError, match="job ids"):
        migrate(bare.url, Queue(job_ids=DatabaseGenerated()))


def test_several_sets_of_tables_live_side_by_side(bare: PrivateDatabase) -> None:
    prefixes = ("one_", "two_")
    queues = [Queue(tables=Tables(prefix=prefix)) for prefix in prefixes]
    for queue in queues:
        bare.migrate(queue)
    bare.put(NewJob("greet"), queue=queues[0])

    assert Worker(bare.url, lambda job: None, queue=queues[1]).drain() == 0
    assert Worker(bare.url, lambda job: None, queue=queues[0]).drain() == 1


def test_a_schema_of_another_name(new_database: DatabaseOf) -> None:
    database = new_database("postgresql")
    queue = Queue(tables=Tables(prefix="jobs."))
    database.migrate(queue)
    database.put(NewJob("greet"), queue=queue)

    assert Worker(database.url, lambda job: None, queue=queue).drain() == 1
    assert database.rows("SELECT count(*) FROM jobs.archived_job") == [(1,)]
    assert database.rows("SELECT count(*) FROM pg_namespace WHERE nspname = 'proletarian'") == [(0,)]


def test_the_two_tables_of_the_original_are_completed(new_database: DatabaseOf) -> None:
    """Those of an application in Clojure: their columns stay, and its rows can be run."""
    database = new_database("postgresql")
    common = (
        "job_id UUID PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,"
        " attempts INTEGER NOT NULL, enqueued_at TIMESTAMP WITH TIME ZONE NOT NULL,"
        " process_at TIMESTAMP WITH TIME ZONE NOT NULL"
    )
    database.rows("CREATE SCHEMA proletarian")
    database.rows(f"CREATE TABLE proletarian.job ({common})")
    database.rows(
        f"CREATE TABLE proletarian.archived_job ({common}, status TEXT NOT NULL, finished_at TIMESTAMPTZ NOT NULL)"
    )
    database.rows(
        "INSERT INTO proletarian.job VALUES"
        " (gen_random_uuid(), ':proletarian/default', ':app/greet', '{\"n\":1}', 0, now(), now())"
    )
    migrate(database.url)
    seen = []
    worker = Worker(
        database.url, lambda job: seen.append((job.job_type, job.payload)), queues={":proletarian/default": 1}
    )

    assert worker.drain() == 1
    assert seen == [(":app/greet", {"n": 1})]
    database.rows(
        "INSERT INTO proletarian.job (job_id, queue, job_type, payload, attempts, enqueued_at, process_at)"
        " VALUES (gen_random_uuid(), 'q', 't', '1', 0, now(), now())"
    )


def test_a_migration_that_waits_for_a_lock_stops_nobody_for_long(new_database: DatabaseOf) -> None:
    database = new_database("postgresql")
    database.rows("CREATE SCHEMA proletarian")
    database.rows("CREATE TABLE proletarian.job (job_id UUID PRIMARY KEY)")  # as it would be before the first migration
    with database.connection() as reader:
        reader.execute("SELECT * FROM proletarian.job")  # a transaction that stays open holds its lock
        thread = threading.Thread(target=migrate_quietly, args=[database])
        thread.start()
        with database.connection() as application:
            application.execute("SET lock_timeout = '10s'")
            application.execute("SELECT * FROM proletarian.job")
        reader.rollback()
    thread.join(30)

    assert not thread.is_alive()


def migrate_quietly(database: PrivateDatabase) -> None:
    """Migrate; what comes of it does not matter."""
    with contextlib.suppress(Exception):
        migrate(database.url)


def test_two_processes_may_migrate_a_new_file(new_database: DatabaseOf) -> None:
    database = new_database("sqlite")
    program = f"from proletarian import migrate; migrate({database.url!r})"
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(4)]

    assert [process.wait() for process in processes] == [0, 0, 0, 0]
