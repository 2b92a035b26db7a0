"""The table of doors: every library on every product that it can reach."""

from __future__ import annotations

from importlib.util import find_spec

from tests.doors import layers, libraries
from tests.doors.libraries import Door

POSTGRESQL = {
    "psycopg, dict rows": libraries.psycopg_with_dict_rows,
    "psycopg, raw cursors": libraries.psycopg_with_raw_cursors,
    "psycopg2": libraries.psycopg2,
    "psycopg2, dict rows": libraries.psycopg2_with_dict_rows,
    "psycopg2, traced": layers.traced(libraries.psycopg2),
    "asyncpg": libraries.asyncpg,
    "asyncpg, pool": libraries.asyncpg_pool,
    "asyncpg, codecs": libraries.asyncpg_with_codecs,
    "SQLAlchemy Connection, psycopg": layers.connection("psycopg"),
    "SQLAlchemy Connection, psycopg2": layers.connection("psycopg2"),
    "SQLAlchemy Connection, pg8000": layers.connection("pg8000"),
    "SQLAlchemy Session, psycopg": layers.session("psycopg"),
    "SQLAlchemy scoped_session, psycopg2": layers.scoped("psycopg2"),
    "SQLModel Session, psycopg": layers.sqlmodel("psycopg"),
    "SQLAlchemy AsyncConnection, asyncpg": layers.async_connection("asyncpg"),
    "SQLAlchemy AsyncConnection, psycopg": layers.async_connection("psycopg"),
    "SQLAlchemy AsyncSession, asyncpg": layers.async_session("asyncpg"),
    "SQLAlchemy async_scoped_session, asyncpg": layers.async_scoped("asyncpg"),
    "Django": layers.django,
    "peewee": layers.peewee,
    "Tortoise, asyncpg": layers.tortoise(),
}
MYSQL = {
    "PyMySQL, dict rows": libraries.pymysql_with_dict_rows,
    "mysqlclient": libraries.mysqlclient,
    "mysqlclient, dict rows": libraries.mysqlclient_with_dict_rows,
    "mysql-connector": libraries.mysql_connector,
    "mysql-connector, pool": libraries.mysql_connector_pool,
    "mysql-connector, async": libraries.mysql_connector_async,
    "mariadb": libraries.mariadb,
    "aiomysql": libraries.aiomysql,
    "asyncmy": libraries.asyncmy,
    "SQLAlchemy Connection, PyMySQL": layers.connection("pymysql"),
    "SQLAlchemy Session, mysqlclient": layers.session("mysqldb"),
    "SQLAlchemy Session, mysql-connector": layers.session("mysqlconnector"),
    "SQLAlchemy Session, mariadb": layers.session("mariadbconnector"),
    "SQLAlchemy AsyncSession, aiomysql": layers.async_session("aiomysql"),
    "SQLAlchemy AsyncSession, asyncmy": layers.async_session("asyncmy"),
    "Django": layers.django,
    "peewee": layers.peewee,
    "Tortoise": layers.tortoise(),
}
SQLITE = {
    "sqlite3, dict rows": libraries.sqlite3_with_dict_rows,
    "aiosqlite": libraries.aiosqlite,
    "SQLAlchemy Connection, sqlite3": layers.connection("pysqlite"),
    "SQLAlchemy Session, sqlite3": layers.session("pysqlite"),
    "SQLAlchemy AsyncSession, aiosqlite": layers.async_session("aiosqlite"),
    "Django": layers.django,
    "peewee": layers.peewee,
    "Tortoise": layers.tortoise(),
}

WHOLE = {
    "psycopg2",
    "asyncpg",
    "mysqlclient",
    "mysql-connector",
    "mysql-connector, async",
    "mariadb",
    "asyncmy",
    "aiosqlite",
    "SQLAlchemy AsyncSession, asyncpg",
    "SQLAlchemy Session, mysqlclient",
    "SQLAlchemy Session, sqlite3",
    "Django",
}

ALL = [
    *(Door(name, "postgresql", library, name in WHOLE) for name, library in POSTGRESQL.items()),
    *(Door(name, "mariadb", library, name in WHOLE) for name, library in MYSQL.items()),
    *(Door(name, "mysql", library) for name, library in MYSQL.items()),
    *(Door(name, "sqlite", library, name in WHOLE) for name, library in SQLITE.items()),
]


# These two have to be compiled, and so may be missing.
COMPILED = {"mysqlclient": "MySQLdb", "mariadb": "mariadb"}


def missing(door: Door) -> str | None:
    """The library that a door needs and this environment has not."""
    needed = {library for library in COMPILED if f" {library}" in f" {door.name}"}
    if door.name == "Django" and door.product in ("mariadb", "mysql"):
        needed.add("mysqlclient")
    return next((library for library in needed if find_spec(COMPILED[library]) is None), None)


DOORS = [door for door in ALL if not missing(door)]
UNTRIED = [door for door in ALL if missing(door)]
