"""
Our own cursors on the application's psycopg connections, whatever factories their owner has chosen.

One is kept per connection, because making one is an eighth of a client's work for an enqueue. It
refers to its connection weakly: a connection that is dropped without being closed still goes at once.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple
from weakref import proxy, ref

from proletarian.sql.statements import Statement

LARGE = 10_000  # characters: a kept cursor holds on to the payload that it sent last


class OurCursor(NamedTuple):
    """A cursor that returns tuples; it holds nothing on the server that would have to be closed."""

    cursor: Any
    # For a cursor that may be kept:
    factory: Any = None  # the connection's cursor factory
    encoding: bytes | None = None  # the encoding that it keeps writing text in
    end: ref[Any] | None = None  # drops the kept cursor when its connection goes

    def spelled(self, step: Statement) -> tuple[str, Any]:
        """A statement in the form that it takes: with `$1` if we chose its class, which saves psycopg a translation."""
        if self.end is None:
            return step.text.pyformat, step.parameters
        return step.text.numbered, list(map(step.parameters.__getitem__, step.text.names))


# By the id of the connection. A cursor in use is taken out, so two threads or coroutines on one
# connection never share it.
_kept: dict[int, OurCursor] = {}


def take(connection: Any) -> OurCursor:
    """The kept cursor, if the connection has not changed since; otherwise a new one."""
    kept = _kept.pop(id(connection), None)
    if (
        kept is not None
        and kept.factory is connection.cursor_factory
        and kept.encoding == connection.pgconn.parameter_status(b"client_encoding")
    ):
        return kept
    return new(connection)


def keep(connection: Any, ours: OurCursor, step: Statement) -> None:
    """
    Keep a cursor for the connection's next enqueue, after an enqueue of one job that is not large.

    Not in a pipeline, where its result is still pending.
    """
    payload = step.parameters.get("payload")
    if ours.end is not None and payload is not None and len(payload) < LARGE and not connection.pgconn.pipeline_status:
        _kept[id(connection)] = ours


def new(connection: Any) -> OurCursor:
    """A new cursor, which can be kept if both the connection and its cursors are of psycopg's own classes."""
    psycopg = _psycopg()
    tuple_row, factory = psycopg.rows.tuple_row, connection.cursor_factory
    if type(connection) is psycopg.Connection and factory in (psycopg.Cursor, psycopg.RawCursor):
        kind = psycopg.RawCursor
    elif type(connection) is psycopg.AsyncConnection and factory in (psycopg.AsyncCursor, psycopg.AsyncRawCursor):
        kind = psycopg.AsyncRawCursor
    else:
        # Somebody else's class is instantiated every time: it may count statements, or time them.
        cursor = connection.cursor(row_factory=tuple_row)
        if isinstance(cursor, psycopg.RawCursor):  # it would expect $1
            cursor = psycopg.Cursor(connection, row_factory=tuple_row)
        elif isinstance(cursor, psycopg.AsyncRawCursor):
            cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
        return OurCursor(cursor)
    kept, key = _kept, id(connection)  # when Python exits, this module's names may go before a connection does
    return OurCursor(
        kind(proxy(connection), row_factory=tuple_row),
        factory,
        connection.pgconn.parameter_status(b"client_encoding"),
        ref(connection, lambda _: kept.pop(key, None)),
    )


@cache
def _psycopg() -> Any:
    import psycopg

    return psycopg
