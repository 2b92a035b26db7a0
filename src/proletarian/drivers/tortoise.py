"""Tortoise: the connection that `in_transaction()` yields."""

from __future__ import annotations

from typing import Any

from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.errors import UnknownConnection
from proletarian.sql.statements import Rows, Step

DATABASES = {"postgres": "postgresql", "mysql": "mysql", "sqlite": "sqlite"}


async def aexecute(client: Any, step: Step) -> Rows:
    """Execute one step on the connection that carries the transaction."""
    from proletarian.drivers.registry import driver_of

    async with client.acquire_connection() as connection:
        driver = driver_of(connection)
        assert driver.aexecute is not None  # noqa: S101 (Tortoise is async, and so are its drivers)
        return await driver.aexecute(connection, step)


def database(client: Any) -> str:
    """Which kind of database it connects to."""
    dialect: str = client.capabilities.dialect
    if dialect not in DATABASES:
        raise UnknownConnection(f"this Tortoise connection is to {dialect!r}; known: {', '.join(DATABASES)}")
    return DATABASES[dialect]


DRIVERS = (Driver("tortoise.backends.base.client.TransactionalDBClient", database, aexecute=aexecute, explain=explain),)
