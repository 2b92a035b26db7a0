"""The library's tables, made on a test's own connection."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.door import blocking
from proletarian.migration import bookkeeping, latest, migrations, script
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan, Statement, Text, split


def create_tables(connection: Any, queue: Queue | None = None) -> None:
    """
    Create the tables on your connection, in its open transaction: for a database in memory, or one that is rolled back.

    `queue` is the application's `Queue` (`tasks.queue`), if it is not the default one. Existing
    tables are left alone. PostgreSQL and SQLite create tables within a transaction; MySQL and
    MariaDB commit it. Raises `WrongCall` for an async connection: use `migrate` instead.

    >>> import sqlite3
    >>> connection = sqlite3.connect(":memory:")
    >>> create_tables(connection)
    >>> connection.execute("SELECT count(*) FROM proletarian_job").fetchall()
    [(0,)]
    >>> connection.close()
    """
    queue = queue or Queue()
    door = blocking(connection, "migrate")
    door.carry_out(_tables(queue.dialect(door.database)))


def _tables(dialect: Dialect) -> Plan[None]:
    for statement in split(bookkeeping(dialect)):
        yield Statement(Text(statement))
    rows = yield latest(dialect)
    missing = [migration for migration in migrations(dialect) if migration.number > (rows[0][0] or 0)]
    if missing:
        for statement in split(script(dialect, missing)):
            yield Statement(Text(statement))
