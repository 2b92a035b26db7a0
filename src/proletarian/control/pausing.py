"""Pause queues for the whole fleet, on any connection that an enqueue takes: `pause`, `resume`, `pauses`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from proletarian.drivers.door import awaiting, blocking
from proletarian.shared import OfAQueue

if TYPE_CHECKING:
    from proletarian.sql.pausing import Pause


class Pausing(OfAQueue):
    """Pauses and resumes queues."""

    def pause(self, connection: Any, queue: str, *, reason: str = "", by: str = "") -> None:
        """
        Pause a queue for all workers, on your connection, inside its open transaction.

        Within a second of your commit workers stop claiming from it, even after a restart, until `resume`.
        Running jobs go on to their end; new jobs can be enqueued, and wait. `reason` and `by` are for people.
        Pausing a paused queue changes these. Never commits. Raises `ConfigurationError` for a text
        that cannot name a queue, `WrongCall` for an async connection, `UnknownConnection`, `SchemaOutOfDate`.

        >>> import sqlite3
        >>> from proletarian import pause, pauses, resume
        >>> from proletarian.testing import create_tables
        >>> connection = sqlite3.connect(":memory:")
        >>> create_tables(connection)
        >>> pause(connection, "mail", reason="smtp is down", by="ann")
        >>> [(paused.queue, paused.reason, paused.by) for paused in pauses(connection)]
        [('mail', 'smtp is down', 'ann')]
        >>> resume(connection, "mail"), pauses(connection)
        (True, [])
        >>> connection.close()
        """
        from proletarian.control.steering import pause

        door = blocking(connection, "apause")
        door.carry_out(pause(self._shared(), door.database, queue, reason=reason, by=by))

    async def apause(self, connection: Any, queue: str, *, reason: str = "", by: str = "") -> None:
        """Pause a queue for all workers, on your async connection; otherwise like `pause`."""
        from proletarian.control.steering import pause

        door = awaiting(connection, "pause")
        await door.acarry_out(pause(self._shared(), door.database, queue, reason=reason, by=by))

    def resume(self, connection: Any, queue: str) -> bool:
        """Let workers claim from a paused queue again; returns whether it was paused. Otherwise like `pause`."""
        from proletarian.control.steering import resume

        door = blocking(connection, "aresume")
        return door.carry_out(resume(self._shared(), door.database, queue))

    async def aresume(self, connection: Any, queue: str) -> bool:
        """Let workers claim from a paused queue again, on your async connection; otherwise like `resume`."""
        from proletarian.control.steering import resume

        door = awaiting(connection, "resume")
        return await door.acarry_out(resume(self._shared(), door.database, queue))

    def pauses(self, connection: Any) -> list[Pause]:
        """The queues that are paused, by name: `queue`, `reason`, `by` and `paused_at`. Otherwise like `pause`."""
        from proletarian.control.steering import pauses

        door = blocking(connection, "apauses")
        return door.carry_out(pauses(self._shared(), door.database))

    async def apauses(self, connection: Any) -> list[Pause]:
        """The queues that are paused, on your async connection; otherwise like `pauses`."""
        from proletarian.control.steering import pauses

        door = awaiting(connection, "pauses")
        return await door.acarry_out(pauses(self._shared(), door.database))
