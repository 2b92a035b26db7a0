"""mariadb (MariaDB Connector/Python): MariaDB and MySQL."""

from __future__ import annotations

from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step."""
    from mariadb.cursors import Cursor

    if isinstance(step, Copy):
        raise TypeError("MariaDB has no COPY")
    with connection.cursor(Cursor) as cursor:
        cursor.execute(*form.hexadecimal(step))
        if step.text.counts:
            return [(cursor.rowcount,)]
        rows: Rows = cursor.fetchall() if cursor.description else []
        return rows


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    from mariadb import ProgrammingError

    try:
        return not connection.open
    except ProgrammingError:  # as in 1.1
        return True


DRIVERS = (Driver("mariadb.connections.Connection", "mysql", execute=execute, explain=explain, is_closed=is_closed),)
