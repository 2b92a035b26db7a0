"""Transactions as each library's own documentation writes them: `with`, nested, and in autocommit mode."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from uuid import uuid4

import pytest

from proletarian import NewJob, aenqueue, aenqueue_many, enqueue, enqueue_many
from proletarian.drivers.registry import driver_of
from proletarian.errors import JobIdTaken
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase, mysql_options
from tests.doors import layers
from tests.doors.libraries import async_mysql_options, path_of

# A connection, and what begins a transaction on it and a part of one.
Opened = AsyncIterator[tuple[Any, Callable[[], Any], Callable[[], Any]]]


@asynccontextmanager
async def psycopg_blocks(database: PrivateDatabase) -> Opened:
    import psycopg

    with psycopg.connect(database.url) as connection:
        yield connection, connection.transaction, connection.transaction


@asynccontextmanager
async def async_psycopg_blocks(database: PrivateDatabase) -> Opened:
    import psycopg

    async with await psycopg.AsyncConnection.connect(database.url) as connection:
        yield connection, connection.transaction, connection.transaction


@asynccontextmanager
async def asyncpg_blocks(database: PrivateDatabase) -> Opened:
    import asyncpg

    async with asyncpg.create_pool(database.url, min_size=1) as pool, pool.acquire() as connection:
        yield connection, connection.transaction, connection.transaction


@asynccontextmanager
async def sqlalchemy_connection(database: PrivateDatabase) -> Opened:
    with layers.engine(database, "psycopg").connect() as connection:
        yield connection, connection.begin, connection.begin_nested


@asynccontextmanager
async def sqlalchemy_session(database: PrivateDatabase) -> Opened:
    from sqlalchemy.orm import Session

    with Session(layers.engine(database, "pymysql")) as session:
        yield session, session.begin, session.begin_nested


@asynccontextmanager
async def sqlalchemy_async_session(database: PrivateDatabase) -> Opened:
    from sqlalchemy.ext.asyncio import AsyncSession

    async with AsyncSession(layers.async_engine(database, "asyncpg")) as session:
        yield session, session.begin, session.begin_nested


@asynccontextmanager
async def peewee_blocks(database: PrivateDatabase) -> Opened:
    import peewee

    opened = peewee.SqliteDatabase(path_of(database))
    with contextlib.closing(opened):
        yield opened, opened.atomic, opened.atomic


BLOCKS: dict[str, tuple[str, Callable[[PrivateDatabase], AbstractAsyncContextManager[Any]]]] = {
    "psycopg": ("postgresql", psycopg_blocks),
    "psycopg async": ("postgresql", async_psycopg_blocks),
    "asyncpg": ("postgresql", asyncpg_blocks),
    "SQLAlchemy Connection": ("postgresql", sqlalchemy_connection),
    "SQLAlchemy Session": ("mariadb", sqlalchemy_session),
    "SQLAlchemy AsyncSession": ("postgresql", sqlalchemy_async_session),
    "peewee": ("sqlite", peewee_blocks),
}


@asynccontextmanager
async def entered(block: Any) -> AsyncIterator[None]:
    """A block, whether it is a plain or an async context manager."""
    if hasattr(block, "__aenter__"):
        async with block:
            yield
    else:
        with block:
            yield


async def put(connection: Any, **options: Any) -> None:
    if driver_of(connection).execute is None:
        await aenqueue(connection, "greet", **options)
    else:
        enqueue(connection, "greet", **options)


class Broken(Exception):
    """Goes wrong inside a block."""


@pytest.fixture(params=BLOCKS)
def idiom(request: pytest.FixtureRequest, database_of: DatabaseOf) -> tuple[PrivateDatabase, Any]:
    product, opened = BLOCKS[request.param]
    database = database_of(product)
    return database, opened(database)


def test_the_end_of_a_block_commits(idiom: Any) -> None:
    database, opened = idiom

    async def given() -> None:
        async with opened as (connection, outer, _):
            async with entered(outer()):
                await put(connection)
            assert database.count("job") == 1

    asyncio.run(given())


def test_an_error_in_a_block_leaves_nothing_and_the_connection_works(idiom: Any) -> None:
    database, opened = idiom

    async def given() -> None:
        async with opened as (connection, outer, _):
            with contextlib.suppress(Broken):
                async with entered(outer()):
                    await put(connection)
                    raise Broken
            assert database.count("job") == 0
            async with entered(outer()):
                await put(connection)
            assert database.count("job") == 1

    asyncio.run(given())


def test_an_error_in_an_inner_block_leaves_nothing_of_it(idiom: Any) -> None:
    database, opened = idiom
    job_id = uuid4()

    async def given() -> None:
        async with opened as (connection, outer, inner), entered(outer()):
            await put(connection, job_id=job_id)
            with contextlib.suppress(Broken):
                async with entered(inner()):
                    await put(connection)
                    raise Broken
            with contextlib.suppress(Exception):  # each library has its own error for a key that is there already
                async with entered(inner()):
                    await put(connection, job_id=job_id)

    asyncio.run(given())
    assert database.count("job") == 1


# Django and Tortoise keep what is open in places of their own.


def test_django_atomic(database: PrivateDatabase) -> None:
    from django.db import connection, connections, transaction

    if database.kind == "mysql":
        pytest.importorskip("MySQLdb", reason="NOT TESTED: mysqlclient is not installed")
    library = layers.django(database)
    door = library.open()
    job_id = uuid4()
    with transaction.atomic("door"):
        enqueue(door, "greet", job_id=job_id)
        with contextlib.suppress(Broken), transaction.atomic("door"):
            enqueue(connections["door"], "greet")
            raise Broken
        with pytest.raises(JobIdTaken), transaction.atomic("door"):
            enqueue(connections["door"], "greet", job_id=job_id)
    with contextlib.suppress(Broken), transaction.atomic("door"):
        enqueue(door, "greet")
        raise Broken
    assert database.count("job") == 1
    enqueue(door, "greet")
    assert database.count("job") == 2
    assert driver_of(connection).execute is driver_of(door).execute
    library.close(door)


def test_tortoise_in_transaction(database: PrivateDatabase) -> None:
    from tortoise import Tortoise
    from tortoise.transactions import in_transaction

    async def given() -> None:
        await Tortoise.init(db_url=layers.tortoise_url(database), modules={"models": [layers.MODELS]})
        try:
            async with in_transaction() as connection:
                await aenqueue(connection, "greet")
                with contextlib.suppress(Broken):
                    async with in_transaction() as inner:
                        await aenqueue(inner, "greet")
                        raise Broken
            with contextlib.suppress(Broken):
                async with in_transaction() as connection:
                    await aenqueue(connection, "greet")
                    raise Broken
        finally:
            await Tortoise.close_connections()

    asyncio.run(given())
    assert database.count("job") == 1


# Autocommit: each job is there at once, and `enqueue_many` may be seen half done.


def psycopg_autocommit(database: PrivateDatabase) -> Any:
    import psycopg

    return psycopg.connect(database.url, autocommit=True)


def psycopg2_autocommit(database: PrivateDatabase) -> Any:
    import psycopg2

    connection = psycopg2.connect(database.url)
    connection.autocommit = True
    return connection


def asyncpg_autocommit(database: PrivateDatabase) -> Any:
    import asyncpg

    return asyncpg.connect(database.url)


def mysqlclient_autocommit(database: PrivateDatabase) -> Any:
    MySQLdb = pytest.importorskip("MySQLdb", reason="NOT TESTED: mysqlclient is not installed")

    return MySQLdb.connect(**mysql_options(database.url), autocommit=True)


def mysql_connector_autocommit(database: PrivateDatabase) -> Any:
    import mysql.connector

    return mysql.connector.connect(**mysql_options(database.url), autocommit=True)


def mariadb_autocommit(database: PrivateDatabase) -> Any:
    mariadb = pytest.importorskip("mariadb", reason="NOT TESTED: mariadb is not installed")

    return mariadb.connect(**mysql_options(database.url), autocommit=True)


async def asyncmy_autocommit(database: PrivateDatabase) -> Any:
    import asyncmy

    return await asyncmy.connect(**async_mysql_options(database.url), autocommit=True)


async def aiomysql_autocommit(database: PrivateDatabase) -> Any:
    import aiomysql

    return await aiomysql.connect(**async_mysql_options(database.url), autocommit=True)


async def aiosqlite_autocommit(database: PrivateDatabase) -> Any:
    import aiosqlite

    return await aiosqlite.connect(path_of(database), isolation_level=None)


def sqlalchemy_autocommit(database: PrivateDatabase) -> Any:
    return layers.engine(database, "psycopg").connect().execution_options(isolation_level="AUTOCOMMIT")


AUTOCOMMIT: list[tuple[str, Callable[[PrivateDatabase], Any]]] = [
    ("postgresql", psycopg_autocommit),
    ("postgresql", psycopg2_autocommit),
    ("postgresql", asyncpg_autocommit),
    ("postgresql", sqlalchemy_autocommit),
    ("mariadb", mysqlclient_autocommit),
    ("mariadb", mysql_connector_autocommit),
    ("mariadb", mariadb_autocommit),
    ("mysql", asyncmy_autocommit),
    ("mysql", aiomysql_autocommit),
    ("sqlite", aiosqlite_autocommit),
]


@pytest.mark.parametrize(("product", "connect"), AUTOCOMMIT)
def test_autocommit(product: str, connect: Callable[[PrivateDatabase], Any], database_of: DatabaseOf) -> None:
    database = database_of(product)
    jobs = [NewJob("greet")] * 200

    async def given() -> None:
        coming = connect(database)
        connection = await coming if hasattr(coming, "__await__") else coming
        await put(connection)
        assert database.count("job") == 1
        if driver_of(connection).execute is None:
            await aenqueue_many(connection, jobs)
        else:
            enqueue_many(connection, jobs)
        assert database.count("job") == 201
        closed = getattr(connection, "ensure_closed", connection.close)()
        if hasattr(closed, "__await__"):
            await closed

    asyncio.run(given())


EACH_BY_ITSELF: list[tuple[dict[str, Any], int]] = [({}, 0), ({"isolation_level": None}, 1)]
if sys.version_info >= (3, 12):
    EACH_BY_ITSELF += [({"autocommit": True}, 1), ({"autocommit": False}, 0)]


@pytest.mark.parametrize(("options", "left"), EACH_BY_ITSELF)
def test_a_unique_job_is_a_transaction_only_where_nobody_begins_one(
    options: dict[str, Any], left: int, sqlite: PrivateDatabase
) -> None:
    """Python 3.12 and newer have one more way to say so, which sqlite3 tells only in the connection's own thread."""

    async def given() -> None:
        import aiosqlite

        async with aiosqlite.connect(path_of(sqlite), **options) as connection:
            first = await aenqueue(connection, "greet", unique="a")
            assert await aenqueue(connection, "greet", unique="a") == first

    asyncio.run(given())
    assert sqlite.count("job") == left
