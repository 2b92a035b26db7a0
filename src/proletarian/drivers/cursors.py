"""
Cursors of ours on the application's psycopg connections, whatever factories their owner likes.

One is kept for each connection, as making one is an eighth of a client's work for an enqueue. It
refers to its connection weakly: a connection that is dropped unclosed goes at once, as ever.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple
from weakref import proxy, ref

from proletarian.sql.statements import Statement

LARGE = 10_000  # characters: a kept cursor holds on to the payload that it sent last


class OurCursor(NamedTuple):
    """A cursor that returns tuples; it holds nothing on the server that one would have to close."""

    cursor: Any
    # Of one that may be kept:
    factory: Any = None  # its connection's
    encoding: bytes | None = None  # that it goes on writing text in
    end: ref[Any] | None = None  # takes it out of those that are kept when its connection goes

    def spelled(self, step: Statement) -> tuple[str, Any]:
        """A statement as it takes it: with `$1` if we chose its class, which saves psycopg the translation."""
        if self.end is None:
            return step.text.pyformat, step.parameters
        return step.text.numbered, list(map(step.parameters.__getitem__, step.text.names))


# By the id of the connection. Who works with one has taken it out: two threads, or coroutines, on
# one connection never share it.
_kept: dict[int, OurCursor] = {}


def take(connection: Any) -> OurCursor:
    """The one that was kept, if the connection is still as it was then; otherwise a new one."""
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
    Keep one for the connection's next enqueue, after an enqueue of one job that is not large.

    Not in a pipeline, where its result is still to come.
    """
    payload = step.parameters.get("payload")
    if ours.end is not None and payload is not None and len(payload) < LARGE and not connection.pgconn.pipeline_status:
        _kept[id(connection)] = ours


def new(connection: Any) -> OurCursor:
    """One that can be kept, where both the connection and its cursors are of psycopg's own classes."""
    psycopg = _psycopg()
    tuple_row, factory = psycopg.rows.tuple_row, connection.cursor_factory
    if type(connection) is psycopg.Connection and factory in (psycopg.Cursor, psycopg.RawCursor):
        kind = psycopg.RawCursor
    elif type(connection) is psycopg.AsyncConnection and factory in (psycopg.AsyncCursor, psycopg.AsyncRawCursor):
        kind = psycopg.AsyncRawCursor
    else:
        # A class of somebody else's is made as often as ever: it may count statements, or time them.
        cursor = connection.cursor(row_factory=tuple_row)
        if isinstance(cursor, psycopg.RawCursor):  # it would want $1
            cursor = psycopg.Cursor(connection, row_factory=tuple_row)
        elif isinstance(cursor, psycopg.AsyncRawCursor):
            cursor = psycopg.AsyncCursor(connection, row_factory=tuple_row)
        return OurCursor(cursor)
    kept, key = _kept, id(connection)  # when Python ends, names of this module may go before a connection does
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
