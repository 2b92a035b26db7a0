"""aiosqlite: SQLite from async code."""

from __future__ import annotations

import asyncio
import sys
from concurrent.futures import Future
from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever row factory the connection's owner has chosen."""
    if isinstance(step, Copy):
        raise TypeError("SQLite has no COPY")
    async with connection.cursor() as cursor:
        cursor.row_factory = None
        await cursor.execute(step.text.named, step.parameters)
        rows: Rows = [(cursor.rowcount,)] if step.text.counts else list(await cursor.fetchall())
        return rows


def is_alone(connection: Any) -> bool:
    """Whether its next statement would be a transaction by itself: none is open, and Python begins none."""
    if connection.in_transaction:
        return False
    return connection.isolation_level is None or (sys.version_info >= (3, 12) and autocommits(connection))


def autocommits(connection: Any) -> bool:
    """Asked in the connection's own thread, which is idle, because sqlite3 does not answer other threads."""
    answer: Future[bool] = Future()

    def ask() -> None:
        answer.set_result(connection._connection.autocommit is True)

    connection._tx.put_nowait((asyncio.get_running_loop().create_future(), ask))
    return answer.result(60)


DRIVERS = (
    Driver(
        "aiosqlite.core.Connection",
        "sqlite",
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: connection._connection is None,
        is_alone=is_alone,
    ),
)
