"""peewee: a Database, whose connection belongs to the current thread or task."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.sql.statements import Rows, Step


def execute(database: Any, step: Step) -> Rows:
    """Execute one step on the connection that carries this thread's `atomic()`."""
    from proletarian.drivers.registry import driver_of

    connection = database.connection()
    driver = driver_of(connection)
    assert driver.execute is not None  # noqa: S101 (peewee is blocking, and so are its drivers)
    return driver.execute(connection, step)


def kind(database: Any) -> str:
    """Which kind of database it is."""
    from proletarian.drivers.registry import driver_of

    connection = database.connection()
    return driver_of(connection).database_of(connection)


def is_alone(database: Any) -> bool | None:
    """Whether its next statement would be a transaction by itself."""
    from proletarian.drivers.registry import driver_of

    connection = database.connection()
    return driver_of(connection).is_alone(connection)


DRIVERS = tuple(
    Driver(name, kind, execute=execute, explain=explain, is_alone=is_alone)
    for name in ("peewee.Database", "peewee.Proxy")
)
