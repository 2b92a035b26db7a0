"""psycopg 3, blocking and async: PostgreSQL."""

from __future__ import annotations

from typing import Any

from proletarian.drivers import copytext, cursors
from proletarian.drivers.driver import Driver
from proletarian.errors import PermissionDenied, SchemaOutOfDate
from proletarian.sql.statements import Copy, Rows, Statement, Step

UNDEFINED = {"42P01": "table", "42703": "column", "3F000": "schema"}
DENIED = "42501"


def explain(error: Exception) -> Exception | None:
    """Explain a missing table, column or privilege, and say what to do."""
    state = getattr(error, "sqlstate", None) or ""
    if state == DENIED:
        return PermissionDenied.said(error)
    missing = UNDEFINED.get(state)
    if missing:
        return SchemaOutOfDate(f"a {missing} is missing ({error}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step on a blocking connection."""
    ours = cursors.take(connection)
    cursor = ours.cursor
    if isinstance(step, Copy):
        # A row that cannot be inserted ends the COPY with an error; the savepoint keeps it from breaking the
        # caller's transaction. (The previous statement has begun one, except in autocommit mode.)
        with connection.transaction(), cursor.copy(copytext.command(step)) as copy:
            for chunk in copytext.chunks(step.rows):
                copy.write(chunk)
        return []
    cursor.execute(*ours.spelled(step))
    rows: Rows = cursor.fetchall() if gives_rows(cursor, step) else []
    cursors.keep(connection, ours, step)
    return rows


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step on an async connection."""
    ours = cursors.take(connection)
    cursor = ours.cursor
    if isinstance(step, Copy):
        async with connection.transaction(), cursor.copy(copytext.command(step)) as copy:
            for chunk in copytext.chunks(step.rows):
                await copy.write(chunk)
        return []
    await cursor.execute(*ours.spelled(step))
    rows: Rows = (await cursor.fetchall()) if gives_rows(cursor, step) else []
    cursors.keep(connection, ours, step)
    return rows


def gives_rows(cursor: Any, step: Statement) -> bool:
    """
    Whether there is something to fetch; `description` tells too, but makes an object for each column.

    In a pipeline there is no result yet: an insert stays in it, and statements with an answer are waited for.
    """
    result = cursor.pgresult
    return step.text.answers if result is None else result.nfields > 0


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    return bool(connection.closed)


def is_two_phase(connection: Any) -> bool:
    """Whether `tpc_begin` has begun its transaction; psycopg keeps that private, and a proxy may hide it."""
    return getattr(connection, "_tpc", None) is not None


DRIVERS = (
    Driver(
        "psycopg.Connection", "postgresql", execute=execute, copies=True, explain=explain, is_closed=is_closed,
        is_two_phase=is_two_phase,
    ),
    Driver(
        "psycopg.AsyncConnection", "postgresql", aexecute=aexecute, copies=True, explain=explain, is_closed=is_closed,
        is_two_phase=is_two_phase,
    ),
)  # fmt: skip
