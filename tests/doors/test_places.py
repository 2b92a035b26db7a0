"""A worker finds its database by what the application has already: an Engine, a URL of SQLAlchemy's, a Django alias."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proletarian import (
    ConfigurationError,
    DatabaseUnavailable,
    ProletarianError,
    Tasks,
    Worker,
    enqueue,
    migrate,
)
from proletarian.connections.database import Database
from proletarian.drivers.places import plain_url
from proletarian.sql.statements import Statement, Text
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.doors import layers

tasks = Tasks()


@tasks.task
def greet(name: str) -> str:
    return f"hello, {name}"


def drained(where: Any, database: PrivateDatabase) -> list[tuple[Any, ...]]:
    """What becomes of a job when a worker is told where it is by `where`."""
    with database.connection() as connection:
        greet.enqueue(connection, name="Ada")
        connection.commit()
    assert Worker(where, tasks).drain() == 1
    return database.archive()


ENGINES = [
    ("postgresql", "psycopg"),
    ("postgresql", "psycopg2"),
    ("mariadb", "pymysql"),
    ("mariadb", "mysqldb"),
    ("sqlite", "pysqlite"),
]
ASYNC_ENGINES = [("postgresql", "asyncpg"), ("postgresql", "psycopg"), ("mariadb", "aiomysql"), ("sqlite", "aiosqlite")]


@pytest.mark.parametrize(("product", "driver"), ENGINES)
def test_a_worker_by_an_engine(product: str, driver: str, database_of: DatabaseOf) -> None:
    if driver == "mysqldb":
        pytest.importorskip("MySQLdb", reason="NOT TESTED: mysqlclient is not installed")
    database = database_of(product)

    assert drained(layers.engine(database, driver), database) == [("greet", "success")]


@pytest.mark.parametrize(("product", "driver"), ASYNC_ENGINES)
def test_a_worker_by_an_async_engine(product: str, driver: str, database_of: DatabaseOf) -> None:
    database = database_of(product)

    assert drained(layers.async_engine(database, driver), database) == [("greet", "success")]


@pytest.mark.parametrize(("product", "driver"), ASYNC_ENGINES)
def test_a_worker_by_a_url_of_sqlalchemys(product: str, driver: str, database_of: DatabaseOf) -> None:
    database = database_of(product)

    assert drained(layers.sqlalchemy_url(database, driver), database) == [("greet", "success")]


def test_an_engine_s_own_arguments_count(postgresql: PrivateDatabase) -> None:
    from sqlalchemy import create_engine

    url = layers.sqlalchemy_url(postgresql, "psycopg")
    engine = create_engine(url, connect_args={"application_name": "from the engine"})
    connection = Database(engine).connect()
    try:
        rows = postgresql.rows("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'from the engine'")
        assert rows == [(1,)]
        assert engine.pool.checkedout() == 0  # type: ignore[attr-defined]
    finally:
        connection.close()
        engine.dispose()


def test_a_worker_by_a_django_alias(database: PrivateDatabase) -> None:
    if database.kind == "mysql":
        pytest.importorskip("MySQLdb", reason="NOT TESTED: mysqlclient is not installed")
    library = layers.django(database)
    door = library.open()
    try:
        assert drained("django://door", database) == [("greet", "success")]
        assert repr(Database(door)) == "<Database django://door>"
    finally:
        library.close(door)


def test_migrate_by_an_engine(new_database: DatabaseOf) -> None:
    database = new_database("sqlite")
    engine = layers.engine(database, "pysqlite")
    migrate(engine)
    with engine.begin() as connection:
        enqueue(connection, "greet", {"name": "Ada"})

    assert database.count("job") == 1


@pytest.mark.parametrize(
    ("given", "plain"),
    [
        ("postgresql://app@db/app?application_name=x", "postgresql://app@db/app?application_name=x"),
        ("postgresql+asyncpg://app:s%40@db:6432/app", "postgresql://app:s%40@db:6432/app"),
        ("postgresql+asyncpg://db/app?ssl=verify-full", "postgresql://db/app?sslmode=verify-full"),
        ("postgresql+asyncpg://db/app?ssl=true&timeout=5", "postgresql://db/app?sslmode=require&connect_timeout=5"),
        ("postgresql+asyncpg:///app?host=/run/postgresql", "postgresql:///app?host=%2Frun%2Fpostgresql"),
        ("postgresql+asyncpg://db/app?prepared_statement_cache_size=0", "postgresql://db/app"),
        (
            "postgresql+psycopg2://db/app?options=-c%20statement_timeout%3D5000&application_name=my+shop",
            "postgresql://db/app?options=-c%20statement_timeout%3D5000&application_name=my%20shop",
        ),
        ("postgresql+psycopg2://db/app?sslrootcert=ca.pem", "postgresql://db/app?sslrootcert=ca.pem"),
        ("mysql+aiomysql://db/app?charset=utf8mb4", "mysql://db/app?charset=utf8mb4"),
        ("mysql+mysqldb://db/app?ssl_ca=ca.pem&binary_prefix=true", "mysql://db/app?ssl_ca=ca.pem"),
        ("mariadb+mariadbconnector://db:3307/app", "mariadb://db:3307/app"),
        ("sqlite+aiosqlite:///jobs.db", "sqlite:///jobs.db"),
    ],
)
def test_a_url_of_another_library_becomes_ours(given: str, plain: str) -> None:
    assert plain_url(given) == plain


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("mysql+mysqldb://app:secret@db/app?ssl_mode=REQUIRED", r"'ssl_mode' in 'mysql\+mysqldb://app:\*\*\*@db"),
        ("postgresql+pg8000://db/app?ssl_context=x", "'ssl_context' .* cannot be translated"),
        ("sqlite+aiosqlite:///file:jobs.db?uri=true", "a worker needs a path"),
        ("oracle+oracledb://db", "is not a database URL"),
        ("django://nowhere", "Django has no database 'nowhere'"),
        (object(), "needs a URL .* or an SQLAlchemy Engine, not a builtins.object"),
    ],
)
def test_what_names_no_place_is_refused(given: Any, words: str) -> None:
    layers.configure_django()
    with pytest.raises(ConfigurationError, match=words):
        Database(given)


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_a_password_may_hold_an_at_sign(product: str, new_database: DatabaseOf) -> None:
    """SQLAlchemy reads such a URL; libpq takes the first @ for the end of the password, and shows the rest."""
    database = new_database(product)
    parts = urlsplit(database.url)
    wrong = parts._replace(netloc=f"{parts.username}:top@secret@{parts.hostname}:{parts.port}").geturl()
    with pytest.raises(DatabaseUnavailable) as refused:
        Database(wrong).connect()
    assert "secret" not in str(refused.value)
    assert f":***@{parts.hostname}:" in str(refused.value)

    name = f"at_{urlsplit(database.url).path[1:]}"
    if product == "postgresql":
        database.rows(f"DROP ROLE IF EXISTS {name}")
        database.rows(f"CREATE ROLE {name} LOGIN SUPERUSER PASSWORD 'top@secret'")
    else:
        database.rows(f"DROP USER IF EXISTS {name}@'127.0.0.1'")
        database.rows(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'top@secret'")
        database.rows(f"GRANT ALL ON *.* TO {name}@'127.0.0.1'")
    right = parts._replace(netloc=f"{name}:top@secret@{parts.hostname}:{parts.port}").geturl()

    assert len(migrate(right)) == 1


@pytest.mark.parametrize(
    "url", ["postgresql://me:se/cret@db/app", "mysql://me:se?cret@db/app", "mysql://me:s#cret@d/a"]
)
def test_a_password_that_ends_the_address_is_refused_unseen(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"://me:\*\*\*@d.* write them as %2F") as refused:
        Database(url)

    assert "cret" not in str(refused.value)


def test_options_with_a_space_reach_the_server(postgresql: PrivateDatabase) -> None:
    url = postgresql.url.replace("postgresql:", "postgresql+psycopg2:") + "?options=-c%20statement_timeout%3D5000"
    connection = Database(url).connect()
    try:
        assert connection.execute(Statement(Text("SHOW statement_timeout"))) == [("5s",)]
    finally:
        connection.close()


def test_an_option_that_no_server_knows_is_not_waited_for(postgresql: PrivateDatabase) -> None:
    with pytest.raises(DatabaseUnavailable, match="unrecognized configuration parameter"):
        Worker(f"{postgresql.url}?options=-c%20no_such_thing%3D1", tasks).drain()


@pytest.mark.parametrize("product", ["mariadb", "mysql"])
def test_an_account_with_too_many_connections_waits_as_a_full_server_makes_it(
    product: str, new_database: DatabaseOf
) -> None:
    database = new_database(product)
    migrate(database.url)
    name, parts = f"few_{urlsplit(database.url).path[1:]}", urlsplit(database.url)
    database.rows(f"DROP USER IF EXISTS {name}@'127.0.0.1'")
    database.rows(f"CREATE USER {name}@'127.0.0.1' IDENTIFIED BY 'x' WITH MAX_USER_CONNECTIONS 1")
    database.rows(f"GRANT ALL ON {parts.path[1:]}.* TO {name}@'127.0.0.1'")
    place = Database(parts._replace(netloc=f"{name}:x@{parts.hostname}:{parts.port}").geturl())
    first = place.connect()
    try:
        with pytest.raises(DatabaseUnavailable) as refused:
            place.connect()
        assert place.is_transient(refused.value)
    finally:
        first.close()


def test_a_file_that_cannot_be_opened_ends_every_command(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "jobs.db").touch()
    for url, words in {
        f"sqlite:///{tmp_path}/folder": "is a folder; name a file in it",
        "sqlite:////proc/jobs.db": r"'/proc/jobs\.db'",
    }.items():
        for action in (migrate, lambda url: Worker(url, tasks).drain()):
            with pytest.raises(ProletarianError, match=words):
                action(url)


@pytest.mark.skipif(os.geteuid() == 0, reason="NOT TESTED as root, who may write everywhere")
@pytest.mark.parametrize(("file", "folder"), [(0o400, 0o700), (0o600, 0o500)])
def test_a_file_or_folder_that_cannot_be_written_is_told_at_once(file: int, folder: int, tmp_path: Path) -> None:
    place = tmp_path / "folder"
    place.mkdir()
    (place / "jobs.db").touch()
    (place / "jobs.db").chmod(file)
    place.chmod(folder)
    try:
        for action in (migrate, lambda url: Worker(url, tasks).drain()):
            with pytest.raises(DatabaseUnavailable, match="this user"):
                action(f"sqlite:///{place}/jobs.db")
    finally:
        place.chmod(0o700)


def test_a_connection_is_no_place_for_a_worker(sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection, pytest.raises(ConfigurationError, match=r"not a sqlite3\.Connection"):
        Worker(connection, tasks)
