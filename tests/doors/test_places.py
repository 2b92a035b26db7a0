"""A worker finds its database by what the application has already: an Engine, a URL of SQLAlchemy's, a Django alias."""

from __future__ import annotations

from typing import Any

import pytest

from proletarian import ConfigurationError, Tasks, Worker, enqueue, migrate
from proletarian.database import Database
from proletarian.drivers.places import plain_url
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
        ("postgresql+pg8000://db/app?ssl_context=x", "'ssl_context' .* cannot be carried over"),
        ("sqlite+aiosqlite:///file:jobs.db?uri=true", "a worker needs a path"),
        ("oracle+oracledb://db", "is no database URL"),
        ("django://nowhere", "Django has no database 'nowhere'"),
        (object(), "opened by a URL .* or an SQLAlchemy Engine, not by a builtins.object"),
    ],
)
def test_what_names_no_place_is_refused(given: Any, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        Database(given)


def test_a_connection_is_no_place_for_a_worker(sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection, pytest.raises(ConfigurationError, match=r"not by a sqlite3\.Connection"):
        Worker(connection, tasks)
