"""aiosqlite: SQLite from async code."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever row factory the connection's owner likes."""
    if isinstance(step, Copy):
        raise TypeError("SQLite has no COPY")
    async with connection.cursor() as cursor:
        cursor.row_factory = None
        await cursor.execute(step.text.named, step.parameters)
        rows: Rows = list(await cursor.fetchall())
        return rows


DRIVERS = (
    Driver(
        "aiosqlite.core.Connection",
        "sqlite",
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: connection._connection is None,
    ),
)
