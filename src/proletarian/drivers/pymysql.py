"""PyMySQL: MySQL and MariaDB."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.errors import PermissionDenied, SchemaOutOfDate
from proletarian.sql.statements import Copy, Rows, Step

# The server's errors if something is missing: table, column, database.
UNDEFINED = (1146, 1054)
# The server's errors if the account has no access: to the database, the table, the column.
DENIED = (1044, 1142, 1143)


def number(error: Exception) -> int:
    """The error's number, 0 if it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def explain(error: Exception) -> Exception | None:
    """Explain a missing table, column or privilege, and say what to do."""
    if number(error) in DENIED:
        return PermissionDenied.said(error)
    if number(error) in UNDEFINED:
        return SchemaOutOfDate(f"a table or column is missing ({error.args[1]}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever cursor class the connection's owner has chosen."""
    from pymysql.cursors import Cursor

    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    with connection.cursor(Cursor) as cursor:
        cursor.execute(step.text.pyformat, step.parameters)
        rows: Rows = [(cursor.rowcount,)] if step.text.counts else cursor.fetchall()
        return rows


# Flags of the status that the server sends with each answer.
IN_TRANSACTION, AUTOCOMMIT = 1, 2


def is_alone(connection: Any) -> bool | None:
    """
    Whether its next statement would be a transaction by itself, as far as the server's last answer tells.

    An error carries no status: a transaction that it has ended seems to be open, so then the server has to be asked.
    """
    status = connection.server_status
    if not status & AUTOCOMMIT:
        return False
    return None if status & IN_TRANSACTION else True


DRIVERS = (
    Driver(
        "pymysql.connections.Connection",
        "mysql",
        execute=execute,
        explain=explain,
        is_closed=lambda connection: not connection.open,
        is_alone=is_alone,
    ),
)
