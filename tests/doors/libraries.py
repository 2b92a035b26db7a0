"""How each library's connections are opened and ended: the doors that jobs go in through."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.conformance import Library
from tests.databases import PrivateDatabase, mysql_options


@dataclass(frozen=True)
class Door:
    """One library on one product; the whole contract is tried on it, or what tells libraries apart."""

    name: str
    product: str
    library: Callable[[PrivateDatabase], Library]
    whole: bool = False

    def __str__(self) -> str:
        return f"{self.name}, {self.product}"


def path_of(database: PrivateDatabase) -> str:
    return database.url.removeprefix("sqlite:///")


# Drivers of a database.


def psycopg2(database: PrivateDatabase) -> Library:
    import psycopg2

    return Library(open=lambda: psycopg2.connect(database.url))


def psycopg2_with_dict_rows(database: PrivateDatabase) -> Library:
    import psycopg2.extras

    return Library(open=lambda: psycopg2.connect(database.url, cursor_factory=psycopg2.extras.RealDictCursor))


def psycopg_with_dict_rows(database: PrivateDatabase) -> Library:
    import psycopg
    from psycopg.rows import dict_row

    return Library(open=lambda: psycopg.connect(database.url, row_factory=dict_row))


def psycopg_with_raw_cursors(database: PrivateDatabase) -> Library:
    import psycopg

    return Library(open=lambda: psycopg.connect(database.url, cursor_factory=psycopg.RawCursor))


def by_statements(close: str = "close") -> Mapping[str, Any]:
    """The ends of a transaction as statements, for libraries that have no methods for them."""
    return {
        "begin": lambda connection: connection.execute("BEGIN"),
        "commit": lambda connection: connection.execute("COMMIT"),
        "rollback": lambda connection: connection.execute("ROLLBACK"),
        "execute": lambda connection, sql: connection.execute(sql),
    }


def asyncpg(database: PrivateDatabase) -> Library:
    import asyncpg

    return Library(open=lambda: asyncpg.connect(database.url), **by_statements())


def asyncpg_pool(database: PrivateDatabase) -> Library:
    import asyncpg

    pools: dict[Any, Any] = {}

    async def take() -> Any:
        pool = await asyncpg.create_pool(database.url, min_size=1, max_size=1)
        connection = await pool.acquire()
        pools[id(connection)] = pool
        return connection

    async def close(connection: Any) -> None:
        pool = pools.pop(id(connection))
        await pool.release(connection)
        await pool.close()

    return Library(open=take, close=close, **by_statements())


def asyncpg_with_codecs(database: PrivateDatabase) -> Library:
    """With ids and times that the owner has as texts, and JSON decoded."""
    import json

    import asyncpg

    async def connect() -> Any:
        connection = await asyncpg.connect(database.url)
        for name in ("uuid", "timestamptz"):
            await connection.set_type_codec(
                name, schema="pg_catalog", encoder=lambda s: s.upper(), decoder=lambda s: f"<{s}>"
            )
        for name in ("json", "jsonb"):
            await connection.set_type_codec(name, schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        return connection

    return Library(open=connect, **by_statements())


def mysqlclient(database: PrivateDatabase) -> Library:
    import MySQLdb

    return Library(open=lambda: MySQLdb.connect(**mysql_options(database.url), charset="utf8mb4"))


def mysqlclient_with_dict_rows(database: PrivateDatabase) -> Library:
    import MySQLdb
    from MySQLdb.cursors import SSDictCursor

    options = mysql_options(database.url)
    return Library(open=lambda: MySQLdb.connect(**options, charset="utf8mb4", cursorclass=SSDictCursor))


def pymysql_with_dict_rows(database: PrivateDatabase) -> Library:
    import pymysql
    from pymysql.cursors import SSDictCursor

    options = mysql_options(database.url)
    return Library(open=lambda: pymysql.connect(**options, cursorclass=SSDictCursor))


def mysql_connector(database: PrivateDatabase) -> Library:
    import mysql.connector

    return Library(open=lambda: mysql.connector.connect(**mysql_options(database.url)))


def mysql_connector_pool(database: PrivateDatabase) -> Library:
    from mysql.connector.pooling import MySQLConnectionPool

    def take() -> Any:
        return MySQLConnectionPool(pool_size=1, pool_name="doors", **mysql_options(database.url)).get_connection()

    def close(connection: Any) -> None:
        connection._cnx.close()

    return Library(open=take, close=close)


def mysql_connector_async(database: PrivateDatabase) -> Library:
    import mysql.connector.aio

    async def execute(connection: Any, sql: str) -> None:
        cursor = await connection.cursor()
        await cursor.execute(sql)
        await cursor.close()

    options = {**mysql_options(database.url), "ssl_disabled": database.product == "mariadb"}
    return Library(open=lambda: mysql.connector.aio.connect(**options), execute=execute)


def mariadb(database: PrivateDatabase) -> Library:
    import mariadb

    return Library(open=lambda: mariadb.connect(**mysql_options(database.url)))


async def cursor_execute(connection: Any, sql: str) -> None:
    """A statement through an async library's cursor."""
    async with connection.cursor() as cursor:
        await cursor.execute(sql)


def async_mysql_options(url: str) -> dict[str, Any]:
    options = mysql_options(url)
    name = options.pop("database")
    return {**options, "db": name, "charset": "utf8mb4"}


def aiomysql(database: PrivateDatabase) -> Library:
    import aiomysql
    from aiomysql.cursors import SSDictCursor

    async def connect() -> Any:
        return await aiomysql.connect(**async_mysql_options(database.url), cursorclass=SSDictCursor)

    return Library(open=connect, execute=cursor_execute, close=lambda connection: connection.ensure_closed())


def asyncmy(database: PrivateDatabase) -> Library:
    import asyncmy
    from asyncmy.cursors import SSDictCursor

    async def connect() -> Any:
        return await asyncmy.connect(**async_mysql_options(database.url), cursor_cls=SSDictCursor)

    return Library(open=connect, execute=cursor_execute, close=lambda connection: connection.ensure_closed())


def aiosqlite(database: PrivateDatabase) -> Library:
    import sqlite3

    import aiosqlite

    async def connect() -> Any:
        connection = await aiosqlite.connect(path_of(database))
        connection.row_factory = sqlite3.Row
        return connection

    return Library(open=connect, execute=lambda connection, sql: connection.execute(sql))


def sqlite3_with_dict_rows(database: PrivateDatabase) -> Library:
    import sqlite3

    def connect() -> Any:
        connection = sqlite3.connect(path_of(database), detect_types=sqlite3.PARSE_DECLTYPES)
        connection.row_factory = lambda cursor, row: {
            column[0]: value for column, value in zip(cursor.description, row, strict=True)
        }
        return connection

    return Library(open=connect)
