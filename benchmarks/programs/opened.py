"""A connection in autocommit to any database of ours, as an application would open it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any
from urllib.parse import urlsplit

from benchmarks.programs.contestant import URL

LIBRARIES = {"postgresql": "psycopg", "mysql": "pymysql", "sqlite": "sqlite3"}
import_module(LIBRARIES[urlsplit(URL).scheme])  # now, as the others do, and not while the clock runs


@contextmanager
def opened(url: str) -> Iterator[Any]:
    """Open a connection with the library for its URL; `execute` works with all of them."""
    parts = urlsplit(url)
    if parts.scheme == "postgresql":
        import psycopg

        with psycopg.connect(url, autocommit=True) as connection:
            yield connection
    elif parts.scheme == "mysql":
        from pymysql.connections import Connection

        def execute(sql: str, parameters: Any = None) -> None:
            with mysql.cursor() as cursor:
                cursor.execute(sql, parameters)

        mysql: Any = Connection(host=parts.hostname, port=parts.port or 3306, user=parts.username,
                                password=parts.password or "", database=parts.path[1:], autocommit=True)  # fmt: skip
        mysql.execute = execute
        try:
            yield mysql
        finally:
            mysql.close()
    else:
        import sqlite3

        file = sqlite3.connect(parts.path.removeprefix("/"), isolation_level=None, timeout=30)
        file.execute("PRAGMA synchronous = FULL")
        try:
            yield file
        finally:
            file.close()
