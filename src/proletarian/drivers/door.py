"""
The door to the application's connection: finds its driver, and carries out plans on it.

`blocking` and `awaiting` find the driver and refuse the other kind of connection; errors behind the door are replaced
by more helpful ones, where the driver has any.
"""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import msgspec

from proletarian.drivers.driver import Driver
from proletarian.drivers.registry import driver_of
from proletarian.errors import PayloadError, UnknownConnection, WrongCall
from proletarian.sql.statements import Plan, arun, run

T = TypeVar("T")


class Door(msgspec.Struct, frozen=True, gc=False):
    """One of the application's connections, and the driver that its library needs; never commits."""

    driver: Driver
    connection: Any

    @property
    def database(self) -> str:
        """Which kind of database is behind it: postgresql, mysql or sqlite."""
        return self.driver.database_of(self.connection)

    def carry_out(self, plan: Plan[T]) -> T:
        """Carry out a plan on a blocking connection."""
        execute = self.driver.execute
        assert execute is not None  # noqa: S101 (`blocking` has seen to it)
        try:
            return run(plan, partial(execute, self.connection))
        except Exception as error:
            if better := self._explained(error):
                raise better from error
            raise

    def _explained(self, error: Exception) -> Exception | None:
        if isinstance(error, UnicodeEncodeError):
            return PayloadError(
                f"this connection's character set {error.encoding!r} cannot carry {error.object[error.start]!r}: "
                "open it with UTF-8 (PostgreSQL: client_encoding=UTF8; MySQL: charset=utf8mb4)"
            )
        return self.driver.explain(error)

    async def acarry_out(self, plan: Plan[T]) -> T:
        """Carry out a plan on an async connection."""
        execute = self.driver.aexecute
        assert execute is not None  # noqa: S101 (`awaiting` has seen to it)
        try:
            return await arun(plan, partial(execute, self.connection))
        except Exception as error:
            if better := self._explained(error):
                raise better from error
            raise


def blocking(connection: Any, twin: str) -> Door:
    """The door to a blocking connection; for an async one `WrongCall` names the `twin`, the call that takes it."""
    driver = driver_of(connection)
    if driver.execute is None:
        raise WrongCall(f"{driver.connection} is an async connection: use `await {twin}(…)`")
    require_open(driver, connection)
    return Door(driver, connection)


def awaiting(connection: Any, twin: str) -> Door:
    """The door to an async connection; for a blocking one `WrongCall` names the `twin`, the call that takes it."""
    driver = driver_of(connection)
    if driver.aexecute is None:
        raise WrongCall(f"{driver.connection} is a blocking connection: use `{twin}(…)`, without await")
    require_open(driver, connection)
    return Door(driver, connection)


def require_open(driver: Driver, connection: Any) -> None:
    """Refuse a connection that was closed, or returned to its pool."""
    if driver.is_closed(connection):
        raise UnknownConnection(f"this {driver.connection} is closed: pass one that is open, in your transaction")
