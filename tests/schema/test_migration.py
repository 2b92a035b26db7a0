"""The tables: made once, brought up to date, and missed with clear words."""

from __future__ import annotations

import contextlib
import itertools
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.errors import ReadOnlySqlTransaction

from proletarian import (
    UUID4,
    UUID7,
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
from proletarian.connections.database import Database
from proletarian.errors import PermissionDenied
from proletarian.migration import migrations, missing, script
from proletarian.sql.columns import COLUMNS as KNOWN
from tests.conftest import DatabaseOf
from tests.databases import PRODUCTS, PrivateDatabase
from tests.worker.fleet import ROOT

_numbers = itertools.count(1)

COLUMNS: Mapping[str, set[str]] = {
    "job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors", "suspect", "unique_key",
    },
    "running_job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors", "suspect", "unique_key", "worker_id", "run_id", "started_at",
        "progress", "apart",
    },
    "archived_job": {
        "job_id", "queue", "job_type", "payload", "attempts", "enqueued_at", "process_at",
        "priority", "headers", "lost", "errors", "unique_key", "status", "started_at", "finished_at", "worker",
        "result",
    },
    "unique_job": {"unique_key", "job_id", "taken_at", "held_until"},
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


def test_the_tables_have_the_columns_that_the_code_knows_and_no_others(bare: PrivateDatabase) -> None:
    migrate(bare.url)

    for table, known in KNOWN.items():
        assert columns(bare, table) == set(known), table


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


def test_a_schema_that_the_dba_has_made_is_enough(new_database: DatabaseOf) -> None:
    """The account may make no schemas: whoever may has made it one. The printed script asks for no more either."""
    for printed in (False, True):
        database = new_database("postgresql")
        account = with_account(database, "GRANT CONNECT ON DATABASE {database} TO {account}")
        name = urlsplit(account.url).username
        database.rows(f"CREATE SCHEMA proletarian AUTHORIZATION {name}")
        if printed:
            dialect = Database(database.url).dialect
            account.run_script(script(dialect, migrations(dialect)))
        assert len(migrate(account.url)) == (0 if printed else 1)
        account.put(NewJob("greet"))

        assert Worker(account.url, lambda job: None).drain() == 1


def test_without_a_right_it_says_which_command_helps(new_database: DatabaseOf) -> None:
    database = new_database("postgresql")
    account = with_account(database, "GRANT CONNECT ON DATABASE {database} TO {account}")
    with pytest.raises(PermissionDenied, match=r"permission denied for database .* `proletarian roles`"):
        migrate(account.url)
    database.migrate()
    with account.connection() as connection, pytest.raises(PermissionDenied, match="schema proletarian: the account"):
        enqueue(connection, "greet")
    with pytest.raises(
        PermissionDenied, match="permission denied for schema proletarian: the account lacks a privilege"
    ):
        Worker(account.url, lambda job: None).drain()


def test_a_role_that_only_reads_is_told_so_at_once(new_database: DatabaseOf) -> None:
    database = new_database("postgresql")
    account = with_account(database, "GRANT ALL ON DATABASE {database} TO {account}")
    database.rows(f"ALTER ROLE {urlsplit(account.url).username} SET default_transaction_read_only TO on")
    began = time.monotonic()
    with pytest.raises(ReadOnlySqlTransaction):
        migrate(account.url)

    assert time.monotonic() - began < 10


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "UTF8"])
def test_settings_of_the_server_that_change_how_text_comes(encoding: str, new_database: DatabaseOf) -> None:
    server = new_database("postgresql")
    name = f"like_{encoding.lower()}_{urlsplit(server.url).path[1:]}"
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE IF EXISTS {name}".encode())
        connection.execute(f"CREATE DATABASE {name} ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0".encode())
        connection.execute(f"ALTER DATABASE {name} SET quote_all_identifiers TO on".encode())
    database = replace(server, url=urlsplit(server.url)._replace(path=f"/{name}").geturl())
    for job_ids in (UUID7(), DatabaseGenerated()):
        queue = Queue(job_ids=job_ids, tables=Tables(prefix=f"{type(job_ids).__name__.lower()}."))
        assert len(migrate(database.url, queue)) == 1
        assert migrate(database.url, queue) == []
        database.put(NewJob("greet", {"name": "Zoë"}), NewJob("greet", {"name": "☃"}), queue=queue)
        seen: list[Any] = []
        assert Worker(database.url, lambda job: seen.append(job.payload["name"]), queue=queue).drain() == 2  # noqa: B023
        assert sorted(seen) == ["Zoë", "☃"]


def with_account(database: PrivateDatabase, *grants: str) -> PrivateDatabase:
    """The database as an account sees it that has these rights and no others."""
    name, parts = f"app_{next(_numbers)}_{urlsplit(database.url).path[1:]}", urlsplit(database.url)
    database.rows(f"DROP ROLE IF EXISTS {name}")
    database.rows(f"CREATE ROLE {name} LOGIN PASSWORD 'secret'")
    for grant in grants:
        database.rows(grant.format(database=parts.path[1:], account=name))
    return replace(database, url=parts._replace(netloc=f"{name}:secret@{parts.hostname}:{parts.port}").geturl())


def test_two_processes_may_migrate_a_new_file(new_database: DatabaseOf) -> None:
    database = new_database("sqlite")
    program = f"from proletarian import migrate; migrate({database.url!r})"
    processes = [subprocess.Popen([sys.executable, "-c", program], cwd=ROOT) for _ in range(4)]

    assert [process.wait() for process in processes] == [0, 0, 0, 0]
