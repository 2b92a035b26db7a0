"""psycopg2: PostgreSQL."""

from __future__ import annotations

import io
from typing import Any

from proletarian.drivers import copytext, form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever cursor factory the connection's owner has chosen."""
    from psycopg2.extensions import cursor as plain

    with connection.cursor(cursor_factory=plain) as cursor:
        if isinstance(step, Copy):
            cursor.copy_expert(copytext.command(step), io.StringIO("".join(copytext.chunks(step.rows))))
            return []
        cursor.execute(*form.pyformat(step))
        rows: Rows = cursor.fetchall() if cursor.description else []
        return rows


DRIVERS = (
    Driver(
        "psycopg2.extensions.connection",
        "postgresql",
        execute=execute,
        copies=True,
        explain=explain,
        is_closed=lambda connection: bool(connection.closed),
    ),
)
