"""mysqlclient (MySQLdb): MySQL and MariaDB."""

from __future__ import annotations

from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever cursor class the connection's owner has chosen."""
    from MySQLdb.cursors import Cursor

    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    with connection.cursor(Cursor) as cursor:
        cursor.execute(*form.hexadecimal(step))
        rows: Rows = [(cursor.rowcount,)] if step.text.counts else cursor.fetchall()
        return rows


def is_alone(connection: Any) -> bool | None:
    """Whether its next statement would be a transaction by itself: it knows only whether it commits."""
    return None if connection.get_autocommit() else False


DRIVERS = (
    Driver(
        "MySQLdb.connections.Connection",
        "mysql",
        execute=execute,
        explain=explain,
        is_closed=lambda connection: not connection.open,
        is_alone=is_alone,
    ),
)
