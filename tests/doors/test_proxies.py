"""Subclasses and proxies of a connection are recognised, whoever puts them there."""

from __future__ import annotations

import sqlite3
from typing import Any

import wrapt

from proletarian import enqueue
from proletarian.drivers.registry import driver_of
from tests.databases import PrivateDatabase
from tests.doors.libraries import path_of


class Subclass(sqlite3.Connection):
    """As an application may derive it."""


class TracedCursor(wrapt.ObjectProxy[Any]):
    """As tracing tools put it around a cursor."""

    def execute(self, *args: Any, **kwargs: Any) -> Any:
        self.__wrapped__.connection.seen.append(args[0])
        return self.__wrapped__.execute(*args, **kwargs)


class TracedConnection(wrapt.ObjectProxy[Any]):
    """As tracing tools put it around a connection."""

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        return TracedCursor(self.__wrapped__.cursor(*args, **kwargs))


class Seen(sqlite3.Connection):
    """Keeps what was executed."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.seen: list[str] = []


class HandMade:
    """A proxy by `__getattr__`, with `__wrapped__` as the convention has it."""

    def __init__(self, wrapped: Any) -> None:
        self.__wrapped__ = wrapped

    def __getattr__(self, name: str) -> Any:
        return getattr(self.__wrapped__, name)


def test_a_subclass(sqlite: PrivateDatabase) -> None:
    connection = sqlite3.connect(path_of(sqlite), factory=Subclass)
    with connection:
        enqueue(connection, "greet")
    connection.close()

    assert sqlite.count("job") == 1


def test_a_traced_connection_is_traced(sqlite: PrivateDatabase) -> None:
    connection = sqlite3.connect(path_of(sqlite), factory=Seen)
    with connection:
        enqueue(TracedConnection(connection), "greet")
        enqueue(TracedConnection(TracedConnection(connection)), "greet")
    assert sum("INSERT INTO proletarian_job" in sql for sql in connection.seen) == 3
    connection.close()

    assert sqlite.count("job") == 2


def test_a_proxy_made_by_hand(sqlite: PrivateDatabase) -> None:
    connection = sqlite3.connect(path_of(sqlite))
    with connection:
        enqueue(HandMade(connection), "greet")
    connection.close()

    assert sqlite.count("job") == 1


def test_two_proxies_of_one_class_may_stand_for_two_libraries(
    sqlite: PrivateDatabase, postgresql: PrivateDatabase
) -> None:
    with sqlite.connection() as one, postgresql.connection() as other:
        for proxy in (HandMade, wrapt.ObjectProxy):
            assert driver_of(proxy(one)).connection == "sqlite3.Connection"
            assert driver_of(proxy(other)).connection == "psycopg.Connection"


def test_django_s_debug_wrapper_logs_the_job(sqlite: PrivateDatabase) -> None:
    from tests.doors import layers

    library = layers.django(sqlite)
    connection = library.open()
    connection.force_debug_cursor = True
    enqueue(connection, "greet")
    logged = [query["sql"] for query in connection.queries_log]
    library.close(connection)

    assert any("INSERT INTO proletarian_job" in sql for sql in logged)
    assert sqlite.count("job") == 1
