"""
Real databases for tests: private servers, and a database with fresh tables for each test.

A server is started when a test first asks for it. With pytest-xdist the process that
hands out the tests starts all of them beforehand, and its workers are told the URLs: so
servers end with the run, however it ends.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pymysql
from pymysql.constants import CLIENT

from proletarian.job import NewJob
from proletarian.migration import migrate
from proletarian.queue import Queue
from proletarian.sql.tables import TABLES, Tables
from servers import MariaDB, MySQL, PostgreSQL, Server, Unavailable

PRODUCTS = ("sqlite", "postgresql", "mariadb", "mysql")
PROGRAMS: Mapping[str, type[Server]] = {"postgresql": PostgreSQL, "mariadb": MariaDB, "mysql": MySQL}
EMPTIED = [name for name in TABLES if name != "migration"]
UNFINISHED = ("job", "running_job", "held_job")
MOVING = ("mysql",)  # comes from a moving suite of Debian: its absence fails no run
MORE = {
    "postgresql": {"max_connections": "200", "max_prepared_transactions": "20"},
    "mariadb": {"max-connections": "300"},
    "mysql": {"max-connections": "300"},
}


def new_server(product: str, **settings: str) -> Server:
    """A private server, not started yet; fast, for it does not wait for the disk."""
    program = PROGRAMS[product]
    return program(settings={**program.UNSYNCED, **MORE[product], **settings})


class Servers:
    """The servers of one run of the tests, by product."""

    def __init__(self) -> None:
        self.urls: dict[str, str] = {}
        self.missing: dict[str, str] = {}
        self._running = contextlib.ExitStack()

    def url(self, product: str) -> str | None:
        """The server's URL, started if it was not; None if it cannot be had, and `missing` says why."""
        if product not in self.urls and product not in self.missing:
            try:
                self.urls[product] = self._running.enter_context(new_server(product)).url
            except Unavailable as error:
                self.missing[product] = str(error)
        return self.urls.get(product)

    def start_all(self) -> None:
        """Start every product, at the same time."""
        with ThreadPoolExecutor() as pool:
            list(pool.map(self.url, PROGRAMS))

    def close(self) -> None:
        """End those that this process has started."""
        self._running.close()


@dataclass(frozen=True)
class PrivateDatabase:
    """A database that nobody but one test uses."""

    product: str
    url: str

    @property
    def kind(self) -> str:
        """postgresql, mysql or sqlite, as the library sees it."""
        return "mysql" if self.product == "mariadb" else self.product

    def __str__(self) -> str:
        return self.url

    def connect(self) -> Any:
        """A connection as an application has one, which commits when it is told to: the caller closes it."""
        if self.kind == "postgresql":
            return psycopg.connect(self.url)
        if self.kind == "mysql":
            return pymysql.connect(**mysql_options(self.url))
        return sqlite3.connect(self.url.removeprefix("sqlite:///"), timeout=10)

    @contextlib.contextmanager
    def connection(self) -> Iterator[Any]:
        """The same, closed at the end of the `with` block."""
        with contextlib.closing(self.connect()) as connection:
            yield connection

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """What a statement gives, in a transaction of its own; parameters are written `%s`."""
        with self.connection() as connection:
            cursor = connection.cursor()
            cursor.execute(sql.replace("%s", "?") if self.kind == "sqlite" else sql, parameters)
            found = [tuple(row) for row in cursor.fetchall()] if cursor.description else []
            connection.commit()
            return found

    def table(self, name: str, tables: Tables | None = None) -> str:
        """The full name of one of the library's tables."""
        return (tables or Tables()).name(name, self.kind)

    def count(self, table: str) -> int:
        """How many rows there are in one of the library's tables."""
        [(count,)] = self.rows(f"SELECT count(*) FROM {self.table(table)}")
        return int(count)

    def left(self) -> int:
        """How many jobs have not ended: in one look, because between two of them a job may move back."""
        counts = " + ".join(f"(SELECT count(*) FROM {self.table(name)})" for name in UNFINISHED)
        [(count,)] = self.rows(f"SELECT {counts}")
        return int(count)

    def run_script(self, text: str) -> None:
        """Run a whole script, as a DBA would."""
        if self.kind == "postgresql":
            with psycopg.connect(self.url, autocommit=True) as connection:
                connection.execute(text.encode())
        elif self.kind == "mysql":
            options: dict[str, Any] = mysql_options(self.url)
            with contextlib.closing(pymysql.connect(client_flag=CLIENT.MULTI_STATEMENTS, **options)) as connection:
                cursor = connection.cursor()
                cursor.execute(text)
                while cursor.nextset():
                    pass
                connection.commit()
        else:
            with contextlib.closing(sqlite3.connect(self.url.removeprefix("sqlite:///"))) as connection:
                connection.executescript(text)

    def archive(self, *columns: str) -> list[tuple[Any, ...]]:
        """These columns of the archived jobs, in the order in which they were put in."""
        columns_, table = ", ".join(columns or ("job_type", "status")), self.table("archived_job")
        return self.rows(f"SELECT {columns_} FROM {table} ORDER BY enqueued_at, job_id")

    def put(self, *jobs: NewJob, queue: Queue | None = None) -> list[Any]:
        """Enqueue jobs and commit; gives their ids."""
        with self.connection() as connection:
            job_ids = (queue or Queue()).enqueue_many(connection, jobs)
            connection.commit()
            return job_ids

    def migrate(self, queue: Queue | None = None) -> None:
        """Make the tables."""
        migrate(self.url, queue)

    def empty(self) -> None:
        """Take everything out of the tables of the default queue; one question tells which hold anything."""
        tables = [self.table(name) for name in EMPTIED]
        with self.connection() as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT " + ", ".join(f"EXISTS (SELECT 1 FROM {table})" for table in tables))
            for table in itertools.compress(tables, cursor.fetchone()):
                cursor.execute(f"DELETE FROM {table}")
            connection.commit()

    def copy(self, path: Path) -> PrivateDatabase:
        """The same again, of an SQLite database that nobody has open."""
        shutil.copy(self.url.removeprefix("sqlite:///"), path)
        return PrivateDatabase(self.product, f"sqlite:///{path}")


def mysql_options(url: str) -> dict[str, Any]:
    """A URL as the keyword arguments that MySQL's libraries take."""
    parts = urlsplit(url)
    return {
        "host": parts.hostname,
        "port": parts.port,
        "user": parts.username,
        "password": parts.password,
        "database": parts.path.lstrip("/"),
    }


def create_database(product: str, server_url: str, name: str, how: str = "") -> PrivateDatabase:
    """An empty database on a server, in place of one of that name if there is one; `how` is SQL of that server's."""
    name = f"{name}_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}"
    url = urlsplit(server_url)._replace(path=f"/{name}").geturl()
    if product == "postgresql":
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())
            connection.execute(f"CREATE DATABASE {name} {how}".encode())
    else:
        with contextlib.closing(pymysql.connect(**mysql_options(server_url))) as connection:
            connection.cursor().execute(f"DROP DATABASE IF EXISTS {name}")
            connection.cursor().execute(f"CREATE DATABASE {name} {how}")
    return PrivateDatabase(product, url)
