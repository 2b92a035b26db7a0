"""mysql-connector-python, blocking and async, also from its pool: MySQL and MariaDB."""

from __future__ import annotations

from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.errors import UnknownConnection
from proletarian.sql.statements import Copy, Rows, Step

# Cursor options that the owner of a connection may have changed, and that we need as they are here.
PLAIN = {"buffered": True, "dictionary": False, "prepared": False}


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step on a blocking connection."""
    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    cursor = connection.cursor(**PLAIN)
    try:
        cursor.execute(*form.hexadecimal(step))
        if step.text.counts:
            return [(cursor.rowcount,)]
        rows: Rows = cursor.fetchall() if cursor.description else []
        return rows
    finally:
        cursor.close()


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step on an async connection."""
    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    cursor = await connection.cursor(**PLAIN)
    try:
        await cursor.execute(*form.hexadecimal(step))
        if step.text.counts:
            return [(cursor.rowcount,)]
        rows: Rows = await cursor.fetchall() if cursor.description else []
        return rows
    finally:
        await cursor.close()


def database(connection: Any) -> str:
    """Always MySQL; refuses raw connections, which return rows as bytes, because no cursor can undo that."""
    if getattr(connection, "_raw", False):
        raise UnknownConnection("this connection of mysql-connector was opened with raw=True: pass one without")
    return "mysql"


def is_closed(connection: Any) -> bool:
    """Whether it was closed, or returned to its pool; does not ask the server, as is_connected() would."""
    inner = getattr(connection, "_cnx", connection)  # the connection behind a pooled one; None once it was returned
    return inner is None or getattr(inner, "_handshake", inner) is None


DRIVERS = (
    *(
        Driver(name, database, execute=execute, explain=explain, is_closed=is_closed)
        for name in (
            "mysql.connector.abstracts.MySQLConnectionAbstract",
            "mysql.connector.pooling.PooledMySQLConnection",
        )
    ),
    Driver(
        "mysql.connector.aio.abstracts.MySQLConnectionAbstract",
        database,
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: not connection.is_socket_connected(),
    ),
)
