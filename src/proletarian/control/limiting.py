"""Limits at run time, on any connection that an enqueue takes: `set_limit`, `reset_limit`, `limits`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.shared import OfAQueue

if TYPE_CHECKING:
    from proletarian.sql.limiting import LimitRecord
    from proletarian.times.durations import Duration


class Limiting(OfAQueue):
    """Shows and sets limits."""

    def set_limit(
        self,
        connection: Any,
        name: str,
        running: int | None = None,
        *,
        rate: int | None = None,
        seconds: Duration = 1,
        burst: int | None = None,
        by: str = "",
    ) -> None:
        """
        Change a limit for all workers without a release, on your connection, inside its open transaction.

        It overrides the code within a second of your commit, and until `reset_limit`, whatever is released in the
        meantime. What is not passed stays as it is in the code: `running`, or `rate` with its `seconds` and `burst`.
        With `running` 0 nothing under this limit starts; running jobs go on to their end, also when a number is
        lowered. A limit that no code declares applies to the lanes of its name. `by` is for people. Never commits.
        Raises `ConfigurationError` for invalid values, `WrongCall` for an async connection, `UnknownConnection`,
        `SchemaOutOfDate`.

        >>> import sqlite3
        >>> from proletarian import limits, reset_limit, set_limit
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> set_limit(connection, "smtp", 3, by="ann")
        >>> [(limit.name, limit.running, limit.by) for limit in limits(connection)]
        [('smtp', 3, 'ann')]
        >>> reset_limit(connection, "smtp"), limits(connection)
        (True, [])
        >>> connection.close()
        """
        from proletarian.control.overriding import set_limit

        door = blocking(connection, "aset_limit")
        plan = set_limit(self._shared(), door.database, name, running, rate=rate, seconds=seconds, burst=burst, by=by)
        door.carry_out(plan)

    async def aset_limit(
        self,
        connection: Any,
        name: str,
        running: int | None = None,
        *,
        rate: int | None = None,
        seconds: Duration = 1,
        burst: int | None = None,
        by: str = "",
    ) -> None:
        """Change a limit for all workers, on your async connection; otherwise like `set_limit`."""
        from proletarian.control.overriding import set_limit

        door = awaiting(connection, "set_limit")
        plan = set_limit(self._shared(), door.database, name, running, rate=rate, seconds=seconds, burst=burst, by=by)
        await door.acarry_out(plan)

    def reset_limit(self, connection: Any, name: str) -> bool:
        """Return a limit to what the code says; returns whether it was set. Otherwise like `set_limit`."""
        from proletarian.control.overriding import reset_limit

        door = blocking(connection, "areset_limit")
        return door.carry_out(reset_limit(self._shared(), door.database, name))

    async def areset_limit(self, connection: Any, name: str) -> bool:
        """Return a limit to what the code says, on your async connection; otherwise like `reset_limit`."""
        from proletarian.control.overriding import reset_limit

        door = awaiting(connection, "reset_limit")
        return await door.acarry_out(reset_limit(self._shared(), door.database, name))

    def limits(self, connection: Any) -> list[LimitRecord]:
        """
        The limits in force, by name: those in the code of the live workers, and those that were set at run time.

        Each has `name`, `running`, `rate`, `seconds`, `burst`, `ordered`, `held` (how many jobs under it run now), `by`
        and `set_at`. Otherwise like `set_limit`.
        """
        from proletarian.control.overriding import limits

        door = blocking(connection, "alimits")
        return door.carry_out(limits(self._shared(), door.database))

    async def alimits(self, connection: Any) -> list[LimitRecord]:
        """The limits in force, on your async connection; otherwise like `limits`."""
        from proletarian.control.overriding import limits

        door = awaiting(connection, "limits")
        return await door.acarry_out(limits(self._shared(), door.database))
