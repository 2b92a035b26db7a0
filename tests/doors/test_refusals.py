"""What is no open connection is refused by name, with what to pass instead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proletarian import UnknownConnection, WrongCall, aenqueue, aenqueue_many, enqueue, enqueue_many
from proletarian.drivers.registry import driver_of
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase, mysql_options
from tests.doors import layers, libraries
from tests.doors.libraries import Door
from tests.doors.table import DOORS

# Closed for good: a closed Session, or Django's connection, opens again when it is used.
CLOSES = [
    door
    for door in DOORS
    if door.name.partition(",")[0] in ("psycopg", "psycopg2", "asyncpg", "aiosqlite", "sqlite3", "PyMySQL",
                                       "mysqlclient", "mysql-connector", "mariadb", "aiomysql", "asyncmy",
                                       "SQLAlchemy Connection", "SQLAlchemy AsyncConnection")
]  # fmt: skip


@pytest.mark.parametrize("door", CLOSES, ids=str)
def test_a_closed_connection_is_refused(door: Door, database_of: DatabaseOf) -> None:
    library = door.library(database_of(door.product))

    async def given() -> None:
        connection = await settled(library.open())
        await settled(library.close(connection))
        call: Any = enqueue if driver_of(connection).execute else aenqueue
        with pytest.raises(UnknownConnection, match="is closed: pass one that is open"):
            await settled(call(connection, "greet"))

    asyncio.run(given())


async def settled(value: Any) -> Any:
    return await value if hasattr(value, "__await__") else value


def refused(thing: Any, words: str) -> None:
    with pytest.raises(UnknownConnection, match=words):
        enqueue(thing, "greet")
    with pytest.raises(UnknownConnection, match=words):
        asyncio.run(aenqueue(thing, "greet"))


@pytest.mark.parametrize(
    ("thing", "words"),
    [
        ("postgresql://app:secret@db/app", r"not 'postgresql://app:\*\*\*@db/app'"),
        (None, "no driver knows connections of the type builtins.NoneType"),
        (object(), "no driver knows connections of the type builtins.object"),
    ],
)
def test_objects_that_are_not_connections_are_refused(thing: Any, words: str) -> None:
    refused(thing, words)


def test_cursors_are_refused(sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection:
        refused(connection.cursor(), "sqlite3.Cursor is a cursor: pass its connection")


def test_engines_and_session_factories_are_refused(sqlite: PrivateDatabase) -> None:
    from sqlalchemy.ext.asyncio import async_sessionmaker
    from sqlalchemy.orm import sessionmaker

    engine, async_engine = layers.engine(sqlite, "pysqlite"), layers.async_engine(sqlite, "aiosqlite")
    for given in (engine, async_engine):
        refused(given, "hands out connections but is not one: take one from it")
    for maker in (sessionmaker(engine), async_sessionmaker(async_engine)):
        refused(maker, "makes sessions but is not one: call it")


def test_a_session_of_several_databases_has_to_say_which() -> None:
    from sqlalchemy.orm import Session

    with Session() as session:
        refused_words = r"session.connection\(bind_arguments="
        with pytest.raises(UnknownConnection, match=refused_words):
            enqueue(session, "greet")


def test_pools_are_refused(database_of: DatabaseOf) -> None:
    postgresql, mysql = database_of("postgresql"), database_of("mariadb")

    async def given() -> None:
        import aiomysql
        import asyncmy
        import asyncpg

        options = libraries.async_mysql_options(mysql.url)
        async with asyncpg.create_pool(postgresql.url, min_size=0) as pool:
            for thing in (pool, pool.acquire()):
                with pytest.raises(UnknownConnection, match="take one from it"):
                    await aenqueue(thing, "greet")
        for library in (aiomysql, asyncmy):
            async with library.create_pool(**options, minsize=0) as pool:
                with pytest.raises(UnknownConnection, match="take one from it"):
                    await aenqueue(pool, "greet")

    asyncio.run(given())


def test_django_s_holder_of_connections_is_refused() -> None:
    from django.db import connections

    refused(connections, r"pass one of them, connections\['default'\]")


def test_tortoise_outside_a_transaction_is_refused(sqlite: PrivateDatabase) -> None:
    from tortoise import Tortoise, connections

    async def given() -> None:
        await Tortoise.init(db_url=f"sqlite://{libraries.path_of(sqlite)}", modules={"models": [layers.MODELS]})
        try:
            with pytest.raises(UnknownConnection, match=r"async with in_transaction\(\) as connection"):
                await aenqueue(connections.get("default"), "greet")
        finally:
            await Tortoise.close_connections()

    asyncio.run(given())


def test_a_connection_still_to_be_awaited_is_refused(postgresql: PrivateDatabase) -> None:
    import psycopg

    async def given() -> None:
        coming = psycopg.AsyncConnection.connect(postgresql.url)
        with pytest.raises(UnknownConnection, match="has not been awaited yet"):
            await aenqueue(coming, "greet")
        await (await coming).close()

    asyncio.run(given())


@pytest.mark.parametrize("call", [aenqueue, aenqueue_many])
def test_a_blocking_connection_is_told_the_blocking_call(call: Callable[..., Any], sqlite: PrivateDatabase) -> None:
    words = r"is a blocking connection: use `enqueue(_many)?\(…\)`, without await"
    with sqlite.connection() as connection, pytest.raises(WrongCall, match=words):
        asyncio.run(call(connection, "greet"))


@pytest.mark.parametrize("call", [enqueue, enqueue_many])
def test_an_async_connection_is_told_the_async_call(call: Callable[..., Any]) -> None:
    from sqlalchemy.ext.asyncio import AsyncSession

    with pytest.raises(WrongCall, match=r"is an async connection: use `await aenqueue(_many)?\(…\)`"):
        call(AsyncSession(), "greet")


def test_a_database_that_has_no_plans_is_refused() -> None:
    import sqlalchemy

    engine = sqlalchemy.create_mock_engine("mssql+pyodbc://", lambda *_: None)
    from sqlalchemy.orm import Session

    session = Session(bind=engine)  # type: ignore[arg-type]
    with pytest.raises(UnknownConnection, match="'mssql'; known: postgresql, mysql, mariadb, sqlite"):
        enqueue(session, "greet")


def test_mysql_connector_given_back_to_its_pool_is_refused(mariadb: PrivateDatabase) -> None:
    from mysql.connector.pooling import MySQLConnectionPool

    pool = MySQLConnectionPool(pool_size=1, pool_name="refused", **mysql_options(mariadb.url))
    connection = pool.get_connection()
    connection.close()
    with pytest.raises(UnknownConnection, match="closed"):
        enqueue(connection, "greet")
    pool._remove_connections()


def test_mysql_connector_with_raw_rows_is_refused(mariadb: PrivateDatabase) -> None:
    import mysql.connector

    connection = mysql.connector.connect(**mysql_options(mariadb.url), raw=True)
    with pytest.raises(UnknownConnection, match="raw=True"):
        enqueue(connection, "greet")
    connection.close()
