"""The least that a worker and an enqueuing application need, tried by what they may not do."""

from __future__ import annotations

import itertools
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pymysql
import pytest
from psycopg.errors import InsufficientPrivilege

from proletarian import (
    ConfigurationError,
    DatabaseGenerated,
    Job,
    NewJob,
    Queue,
    Retry,
    Tables,
    Unique,
    Worker,
    failure_groups,
    find_job,
    find_jobs,
    find_schedules,
    list_workers,
    pauses,
    queue_stats,
    throughput,
)
from proletarian.connections.database import Database
from proletarian.migration import role_script
from proletarian.sql.statements import split
from proletarian.sql.tables import TABLES
from proletarian.web import Access, Dashboard
from tests.conftest import DatabaseOf
from tests.databases import PROGRAMS, PrivateDatabase
from tests.web.acts import acts_on
from tests.web.seeded import seed, tasks
from tests.web.served import served
from tests.web.test_four_databases import PAGES
from tests.worker.recorder import Recorder

DENIED = (InsufficientPrivilege, pymysql.err.OperationalError)
_numbers = itertools.count(1)

LogIn = Callable[..., PrivateDatabase]


@pytest.fixture(params=PROGRAMS)
def owned(request: pytest.FixtureRequest, new_database: DatabaseOf) -> PrivateDatabase:
    """A database with tables, as its owner sees it."""
    database = new_database(request.param)
    database.migrate()
    return database


@pytest.fixture
def log_in() -> Iterator[LogIn]:
    """Makes an account with one of the two roles, and gives the database as that account sees it."""
    made: list[tuple[PrivateDatabase, str]] = []

    def log_in(owned: PrivateDatabase, part: str, queue: Queue | None = None) -> PrivateDatabase:
        name = f"{part}_{next(_numbers)}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
        text = role_script(Database(owned.url, queue).dialect, part, f"{name}_role")
        made.append((owned, name))
        if owned.kind == "postgresql":
            owned.rows(text)
            owned.rows(f"CREATE ROLE {name} LOGIN PASSWORD 'secret' IN ROLE {name}_role")
        else:
            for statement in split(text):
                owned.rows(statement)
            owned.rows(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'secret'")
            owned.rows(f"GRANT {name}_role TO {name}@'127.0.0.1'")
            to = "FOR" if owned.product == "mariadb" else "TO"
            owned.rows(f"SET DEFAULT ROLE {name}_role {to} {name}@'127.0.0.1'")
        parts = urlsplit(owned.url)
        return replace(owned, url=parts._replace(netloc=f"{name}:secret@{parts.hostname}:{parts.port}").geturl())

    yield log_in
    for owned, name in made:
        if owned.kind == "postgresql":
            owned.rows(f"DROP OWNED BY {name}_role; DROP ROLE {name}; DROP ROLE {name}_role")
        else:
            owned.rows(f"DROP USER {name}@'127.0.0.1'")
            owned.rows(f"DROP ROLE {name}_role")


def test_an_application_may_enqueue(owned: PrivateDatabase, log_in: LogIn) -> None:
    application = log_in(owned, "enqueue")
    with application.connection() as connection:
        Queue().enqueue(connection, "greet", {"n": 1})
        connection.commit()
    application.put(*[NewJob("greet", {"n": n}) for n in range(300)])

    assert owned.count("job") == 301


def test_an_application_may_enqueue_unique_jobs(owned: PrivateDatabase, log_in: LogIn) -> None:
    application = log_in(owned, "enqueue")
    rules = [Unique(), Unique(until="started", key="greet:2"), Unique(within=60, key="greet:3")]
    with application.connection() as connection:
        first = Queue().enqueue_many(connection, [NewJob("greet", unique=one) for one in rules])
        connection.commit()
        again = Queue().enqueue_many(connection, [NewJob("greet", unique=one) for one in rules])
        connection.commit()

    assert first == again
    assert owned.count("job") == 3


def test_an_application_may_enqueue_where_the_database_makes_the_ids(
    new_database: DatabaseOf, log_in: LogIn, owned: PrivateDatabase
) -> None:
    queue = Queue(
        job_ids=DatabaseGenerated(), tables=Tables(prefix="numbered_" if owned.kind == "mysql" else "numbered.")
    )
    owned.migrate(queue)
    application = log_in(owned, "enqueue", queue)
    with application.connection() as connection:
        first = queue.enqueue(connection, "greet")
        rest = queue.enqueue_many(connection, [NewJob("greet")] * 300)
        connection.commit()

    assert len({first, *rest}) == 301


FORBIDDEN_TO_AN_APPLICATION = [
    "SELECT payload FROM {job}",
    "SELECT * FROM {job}",
    "UPDATE {job} SET payload = '1'",
    "DELETE FROM {job}",
    "SELECT * FROM {running_job}",
    "SELECT * FROM {archived_job}",
    "DELETE FROM {archived_job}",
    "SELECT * FROM {worker}",
    "DELETE FROM {worker}",
    "DROP TABLE {job}",
    "ALTER TABLE {job} ADD COLUMN more INTEGER",
    "CREATE TABLE {prefix}mine (n INTEGER)",
]
FORBIDDEN_TO_A_WORKER = [
    "DROP TABLE {job}",
    "TRUNCATE TABLE {job}",
    "ALTER TABLE {job} ADD COLUMN more INTEGER",
    "CREATE TABLE {prefix}mine (n INTEGER)",
    "INSERT INTO {migration} (number, name) VALUES (9999, 'mine')",
    "DELETE FROM {migration}",
    "SELECT * FROM {accounts}",
    "UPDATE {audit} SET who = 'nobody'",
    "DELETE FROM {audit}",
]


def forbidden(owned: PrivateDatabase, restricted: PrivateDatabase, statements: list[str]) -> dict[str, bool]:
    """Which of these statements the restricted account may not execute."""
    names = {name: owned.table(name) for name in TABLES}
    names |= {"prefix": owned.table("job").removesuffix("job"), "accounts": "accounts"}
    refused = {}
    for statement in statements:
        try:
            restricted.rows(statement.format_map(names))
        except DENIED as error:
            refused[statement] = isinstance(error, InsufficientPrivilege) or error.args[0] in (1142, 1143, 1044)
        else:
            refused[statement] = False
    return refused


def test_an_application_may_do_nothing_else(owned: PrivateDatabase, log_in: LogIn) -> None:
    owned.put(NewJob("greet"))
    refused = forbidden(owned, log_in(owned, "enqueue"), FORBIDDEN_TO_AN_APPLICATION)

    assert refused == dict.fromkeys(FORBIDDEN_TO_AN_APPLICATION, True)


def test_a_worker_may_do_all_of_its_work(owned: PrivateDatabase, log_in: LogIn) -> None:
    recorder = Recorder()

    def handle(job: Job) -> None:
        job.progress(1)
        if job.job_type == "bad":
            raise ValueError
        if job.job_type == "follow" and job.attempts == 1:
            worker_side.put(NewJob("good"))

    worker_side = log_in(owned, "worker")
    owned.put(*[NewJob("good")] * 20, NewJob("bad"), NewJob("follow"))
    worker = Worker(worker_side.url, handle, retry=Retry(1), keep_succeeded=3600, keep_failed=3600, log=recorder)

    assert worker.drain() == 24
    assert owned.count("archived_job") == 23
    assert "database.unavailable" not in recorder.names()
    assert recorder.of("worker.liveness")[0]["proved_by"] == "lock"


def test_a_worker_may_do_nothing_else(owned: PrivateDatabase, log_in: LogIn) -> None:
    owned.rows("CREATE TABLE accounts (n INTEGER)")
    refused = forbidden(owned, log_in(owned, "worker"), FORBIDDEN_TO_A_WORKER)

    assert refused == dict.fromkeys(FORBIDDEN_TO_A_WORKER, True)


FORBIDDEN_TO_A_DASHBOARD = [
    *FORBIDDEN_TO_A_WORKER,
    "DELETE FROM {running_job}",
    "DELETE FROM {worker}",
]


def test_a_dashboard_may_do_all_that_it_offers_and_nothing_else(owned: PrivateDatabase, log_in: LogIn) -> None:
    owned.rows("CREATE TABLE accounts (n INTEGER)")
    seed(owned)
    restricted = log_in(owned, "dashboard")
    with served(Dashboard(restricted.url, tasks, access=lambda request: Access.admin)) as site:
        [job] = json.loads(site.get("/api/v1/jobs?q=state:failed&limit=1").text)["jobs"]
        pages = [(path, site.get(path).status) for path in PAGES]
        acts = [(path, site.post(path, form).status) for path, form in acts_on(job["job_id"])]

    assert pages == [(path, 200) for path in PAGES]
    assert acts == [(path, 303) for path, _ in acts]
    assert forbidden(owned, restricted, FORBIDDEN_TO_A_DASHBOARD) == dict.fromkeys(FORBIDDEN_TO_A_DASHBOARD, True)


FORBIDDEN_TO_A_LOOKER = [
    "UPDATE {job} SET payload = '1'",
    "INSERT INTO {paused_queue} VALUES ('mail', '', '', '2026-01-01')",
    *(f"DELETE FROM {{{name}}}" for name in TABLES),
    *FORBIDDEN_TO_A_WORKER,
]


def test_a_read_only_role_may_see_everything(owned: PrivateDatabase, log_in: LogIn) -> None:
    [job_id] = owned.put(NewJob("greet", queue="mail"))
    with log_in(owned, "look").connection() as connection:
        seen = find_job(connection, job_id)
        assert seen is not None
        assert seen.why is not None
        assert [stats.queue for stats in queue_stats(connection)] == ["mail"]
        assert [job.job_id for job in find_jobs(connection, "queue:mail payload.n:1", why=True)] == []
        assert (list_workers(connection), pauses(connection), find_schedules(connection)) == ([], [], [])
        assert len(throughput(connection, minutes=5)) == 5
        assert failure_groups(connection) == []


def test_a_read_only_role_may_do_nothing_else(owned: PrivateDatabase, log_in: LogIn) -> None:
    owned.rows("CREATE TABLE accounts (n INTEGER)")
    refused = forbidden(owned, log_in(owned, "look"), FORBIDDEN_TO_A_LOOKER)

    assert refused == dict.fromkeys(FORBIDDEN_TO_A_LOOKER, True)


def test_the_script_may_run_twice(owned: PrivateDatabase, log_in: LogIn) -> None:
    name = f"twice_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    for _ in range(2):
        text = role_script(Database(owned.url).dialect, "worker", name)
        for statement in [text] if owned.kind == "postgresql" else split(text):
            owned.rows(statement)
    owned.rows(f"DROP OWNED BY {name}; DROP ROLE {name}" if owned.kind == "postgresql" else f"DROP ROLE {name}")


@pytest.mark.parametrize("name", ["", "a b", "a;DROP TABLE x", "1st", 'a"b'])
def test_a_name_that_cannot_be_a_role_is_refused(name: str) -> None:
    dialect: Any = Database("postgresql://localhost/test").dialect
    with pytest.raises(ConfigurationError, match="cannot name a role"):
        role_script(dialect, "worker", name)


def test_sqlite_has_no_roles() -> None:
    with pytest.raises(ConfigurationError, match="SQLite has no roles"):
        role_script(Database("sqlite:///jobs.db").dialect, "worker", "w")


@pytest.mark.parametrize("url", ["postgresql://localhost/test", "mysql://localhost/test"])
def test_a_worker_is_granted_something_on_every_table(url: str) -> None:
    dialect = Database(url).dialect
    text = role_script(dialect, "worker", "w")

    assert [name for name in TABLES if f" ON {dialect.tables.name(name, dialect.name)} TO" not in text] == []
