"""
Cursors of ours on the application's psycopg connections, whatever factories their owner likes.

One is kept for each connection, as making one is an eighth of a client's work for an enqueue. It
refers to its connection weakly: a connection that is dropped unclosed goes at once, as ever.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary, proxy

from proletarian.sql.statements import Statement

LARGE = 10_000  # characters: a kept cursor holds on to the payload that it sent last


class OurCursor(NamedTuple):
    """A cursor that takes `%(name)s` and gives tuples; it holds nothing on the server that one would have to close."""

    cursor: Any
    factory: Any = None  # its connection's
    encoding: bytes | None = None  # that it goes on writing text in
    lasts: bool = False  # it may be kept


# Who works with one has taken it out: two threads, or coroutines, on one connection never share it.
_kept: WeakKeyDictionary[Any, OurCursor] = WeakKeyDictionary()


def take(connection: Any) -> OurCursor:
    """The one that was kept, if the connection is still as it was then; otherwise a new one."""
    psycopg = _psycopg()
    if type(connection) not in (psycopg.Connection, psycopg.AsyncConnection):
        return OurCursor(_by_factory(connection))
    factory, encoding = connection.cursor_factory, connection.pgconn.parameter_status(b"client_encoding")
    kept = _kept.pop(connection, None)
    if kept is not None and kept.factory is factory and kept.encoding == encoding:
        return kept
    # A class of somebody else's is made as often as ever: it may count statements, or time them.
    if factory not in (psycopg.Cursor, psycopg.AsyncCursor, psycopg.ClientCursor, psycopg.AsyncClientCursor):
        return OurCursor(_by_factory(connection))
    return OurCursor(factory(proxy(connection), row_factory=psycopg.rows.tuple_row), factory, encoding, lasts=True)


def keep(connection: Any, ours: OurCursor, step: Statement) -> None:
    """
    Keep one for the connection's next enqueue, after an enqueue of one job that is not large.

    Not in a pipeline, where its result is still to come.
    """
    payload = step.parameters.get("payload")
    if ours.lasts and payload is not None and len(payload) < LARGE and not connection.pgconn.pipeline_status:
        _kept[connection] = ours


def _by_factory(connection: Any) -> Any:
    psycopg = _psycopg()
    cursor = connection.cursor(row_factory=psycopg.rows.tuple_row)
    if isinstance(cursor, psycopg.RawCursor):  # it would want $1
        return psycopg.Cursor(connection, row_factory=psycopg.rows.tuple_row)
    if isinstance(cursor, psycopg.AsyncRawCursor):
        return psycopg.AsyncCursor(connection, row_factory=psycopg.rows.tuple_row)
    return cursor


@cache
def _psycopg() -> Any:
    import psycopg

    return psycopg
