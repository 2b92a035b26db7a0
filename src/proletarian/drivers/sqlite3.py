"""sqlite3, from the standard library: SQLite."""

from __future__ import annotations

import sqlite3
from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.errors import SchemaOutOfDate
from proletarian.sql.statements import Copy, Rows, Step


def explain(error: Exception) -> Exception | None:
    """Explain a missing table or column, and say what to do."""
    if "no such table" in str(error) or "no such column" in str(error) or "has no column" in str(error):
        return SchemaOutOfDate(f"a table or column is missing ({error}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever row factory the connection's owner has chosen."""
    if isinstance(step, Copy):
        raise TypeError("SQLite has no COPY")
    cursor = connection.cursor()
    try:
        cursor.row_factory = None
        cursor.execute(step.text.named, step.parameters)
        rows: Rows = [(cursor.rowcount,)] if step.text.counts else cursor.fetchall()
        return rows
    finally:
        cursor.close()


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:
        return True
    return False


def is_alone(connection: Any) -> bool:
    """Whether its next statement would be a transaction by itself: none is open, and Python begins none."""
    commits = connection.isolation_level is None or getattr(connection, "autocommit", None) is True
    return commits and not connection.in_transaction


DRIVERS = (
    Driver("sqlite3.Connection", "sqlite", execute=execute, explain=explain, is_closed=is_closed, is_alone=is_alone),
)
