"""asyncpg, also behind its pool's proxy: PostgreSQL."""

from __future__ import annotations

import io
from typing import Any

from proletarian.drivers import copytext, form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Copy, Rows, Step


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever codecs the connection's owner has set."""
    if isinstance(step, Copy):
        # asyncpg quotes the names that it is given; elsewhere ours are unquoted, and therefore folded.
        schema, _, table = step.table.lower().rpartition(".")
        text = io.BytesIO("".join(copytext.chunks(step.rows)).encode())
        await connection.copy_to_table(
            table, schema_name=schema or None, columns=step.columns, source=text, format="text"
        )
        return []
    text_, values = form.numbered(step)
    rows: Rows = await connection.fetch(text_, *values)
    return rows


def is_closed(connection: Any) -> bool:
    """Whether it is closed, or was returned to its pool."""
    from asyncpg import InterfaceError

    try:
        return bool(connection.is_closed())
    except InterfaceError:  # the proxy of a connection that was returned to its pool
        return True


DRIVERS = tuple(
    Driver(name, "postgresql", aexecute=aexecute, copies=True, explain=explain, is_closed=is_closed)
    for name in ("asyncpg.connection.Connection", "asyncpg.pool.PoolConnectionProxy")
)
