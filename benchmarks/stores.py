"""Where a contestant's jobs are kept: fresh, private databases with durability on."""

from __future__ import annotations

import sqlite3
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import urlsplit

from servers import MariaDB, MySQL, PostgreSQL, Server
from servers.daemon import Daemon


class Store(ABC):
    """One kind of database for all contestants of a run, with a fresh database for each round."""

    name: ClassVar[str]
    url: str
    server: Daemon | None = None
    programs: Path | None = None  # the server's own client programs

    @abstractmethod
    def fresh(self) -> str:
        """Create an empty database in place of the last one; returns its URL."""

    @abstractmethod
    def settle(self) -> None:
        """Bring it into the state of a database at rest: statistics up to date, nothing left to write."""


class SQLStore(Store):
    """A store that answers queries: how many jobs are unfinished, and how many are kept as finished."""

    @abstractmethod
    def ask(self, sql: str) -> Any:
        """The single value that a query returns."""


class PostgreSQLStore(SQLStore):
    """A PostgreSQL server with PostgreSQL's defaults where they matter for speed and safety."""

    name = "postgresql"

    def __init__(self, server: PostgreSQL) -> None:
        self.server = self._server = server
        self.programs = server.programs
        self._connection: Any = None

    def fresh(self) -> str:
        import psycopg

        if self._connection is not None:
            self._connection.close()
        self.url = self._server.create_database("bench")
        self._connection = psycopg.connect(self.url, autocommit=True)
        return self.url

    def settle(self) -> None:
        self._connection.execute("VACUUM ANALYZE")
        self._connection.execute("CHECKPOINT")

    def ask(self, sql: str) -> Any:
        return self._connection.execute(sql).fetchone()[0]

    def execute(self, sql: str, parameters: tuple[Any, ...] = ()) -> None:
        self._connection.execute(sql, parameters)


class MySQLStore(SQLStore):
    """A MySQL or MariaDB server, flushing at each commit, which is InnoDB's default."""

    def __init__(self, server: Server) -> None:
        self.server = self._server = server
        self._connection: Any = None

    def fresh(self) -> str:
        import pymysql

        if self._connection is not None:
            self._connection.close()
        self.url = self._server.create_database("bench")
        parts = urlsplit(self.url)
        assert parts.port is not None
        self._connection = pymysql.connect(
            host="127.0.0.1", port=parts.port, user="test", password="test", database="bench", autocommit=True
        )
        return self.url

    def settle(self) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute("SELECT table_name FROM information_schema.tables WHERE table_schema = DATABASE()")
            tables = ", ".join(f"`{name}`" for (name,) in cursor.fetchall())
            cursor.execute(f"ANALYZE TABLE {tables}")
        time.sleep(1)  # InnoDB still purges old rows and flushes pages in the background

    def ask(self, sql: str) -> Any:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchone()[0]


class MariaDBStore(MySQLStore):
    """MariaDB."""

    name = "mariadb"


class OracleMySQLStore(MySQLStore):
    """MySQL."""

    name = "mysql"


class SQLiteStore(SQLStore):
    """A file; each contestant sets its own pragmas, as for its users."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self._file = folder / "bench.db"
        self._connection: sqlite3.Connection | None = None

    def fresh(self) -> str:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        for file in self._file.parent.glob(f"{self._file.name}*"):
            file.unlink()
        self.url = f"sqlite:///{self._file}"
        return self.url

    def settle(self) -> None:
        pass

    def ask(self, sql: str) -> Any:
        if self._connection is None:
            self._connection = sqlite3.connect(self._file, isolation_level=None, timeout=30)
        return self._connection.execute(sql).fetchone()[0]


NAMES = {"postgresql": "PostgreSQL", "mariadb": "MariaDB", "mysql": "MySQL", "sqlite": "SQLite"}

# The products' defaults for what the `servers` package makes smaller for tests.
POSTGRESQL = {"shared_buffers": "128MB", "jit": "on", "max_connections": "300"}
INNODB = {"innodb-buffer-pool-size": "128M"}


@contextmanager
def store(name: str, folder: Path, **settings: str) -> Iterator[Store]:
    """A private store of this kind, for as long as the block lasts; `settings` are those of the server."""
    if name == "postgresql":
        with PostgreSQL(settings={**POSTGRESQL, **settings}) as server:
            yield PostgreSQLStore(server)
    elif name == "mariadb":
        with MariaDB(settings={**INNODB, **settings}) as server:
            yield MariaDBStore(server)
    elif name == "mysql":
        with MySQL(settings={**INNODB, **settings}) as server:
            yield OracleMySQLStore(server)
    elif name == "sqlite":
        yield SQLiteStore(folder)
    else:
        raise ValueError(f"no store is called {name!r}")
