"""aiomysql, and asyncmy, which works the same way: MySQL and MariaDB."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.drivers.pymysql import is_alone
from proletarian.sql.statements import Copy, Rows, Step


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever cursor class the connection's owner has chosen."""
    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    library = connection.__class__.__mro__[-2].__module__.partition(".")[0]
    plain = import_module(f"{library}.cursors").Cursor
    async with connection.cursor(plain) as cursor:
        await cursor.execute(*form.hexadecimal(step))
        rows: Rows = [(cursor.rowcount,)] if step.text.counts else await cursor.fetchall()
        return rows


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    return bool(connection.closed)


DRIVERS = (
    Driver(
        "aiomysql.connection.Connection",
        "mysql",
        aexecute=aexecute,
        explain=explain,
        is_closed=is_closed,
        is_alone=is_alone,
    ),
    Driver(
        "asyncmy.connection.Connection",
        "mysql",
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: not connection.connected,
    ),
)
