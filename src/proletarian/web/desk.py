"""
Where pages get what they show: bounded queries, and acts with their audit entry, on a few connections.

A mounted application is never told that it starts or ends, so connections are opened when they are needed, and
closed when nobody has needed them for a while.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

from proletarian.connections.database import Database, first_line
from proletarian.drivers.driver import OwnConnection
from proletarian.drivers.registry import redacted
from proletarian.errors import DatabaseUnavailable, LookTookTooLong, ProletarianError
from proletarian.migration import check_schema
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.statements import Plan
from proletarian.sql.transactions import whole
from proletarian.web.ledger import Ledger

T = TypeVar("T")

CONNECTIONS = 4
KEPT = 30.0  # seconds for which an idle connection stays open


class Desk:
    """The database behind a dashboard; used by many threads."""

    def __init__(self, database: Database, *, at_most: float, connections: int = CONNECTIONS) -> None:
        self.database = database
        self.at_most = at_most
        self.looks = 0  # how often the database was asked: many open tabs must not multiply this
        self.ledger = Ledger()
        self._slots = threading.BoundedSemaphore(connections)
        self._lock = threading.Lock()
        self._idle: list[tuple[float, OwnConnection]] = []
        self._is_checked = False

    @property
    def queue(self) -> Queue:
        """Whose tables they are."""
        return self.database.queue

    @property
    def dialect(self) -> Dialect:
        """The dialect of the database."""
        return self.database.dialect

    @property
    def kind(self) -> str:
        """postgresql, mysql or sqlite."""
        return self.database.kind

    def look(self, plan: Plan[T]) -> T:
        """Carry out a plan that only reads; raises `LookTookTooLong` if a statement takes too long."""
        self.looks += 1
        return self._carry_out(lambda connection: plan)

    def look_with(self, make: Callable[[OwnConnection], Plan[T]]) -> T:
        """The same for a plan that also needs the connection."""
        self.looks += 1
        return self._carry_out(make)

    def act(self, plan: Plan[T]) -> T:
        """Carry out a plan that changes something, in a transaction of its own."""
        return self._carry_out(lambda connection: whole(self.dialect, plan))

    @contextlib.contextmanager
    def connection(self) -> Iterator[OwnConnection]:
        """A connection whose statements are bounded."""
        if not self._slots.acquire(timeout=self.at_most):
            raise LookTookTooLong(
                f"all connections of the dashboard have been busy for {self.at_most:g} s: the database is slow, or "
                f"many people are looking at the same time"
            )
        try:
            connection = self._take()
            try:
                connection.end_after(self.at_most)
                if not self._is_checked:
                    check_schema(connection, self.database)
                    self._is_checked = True
                yield connection
            except BaseException as error:
                if not isinstance(error, Exception) or not connection.recover(error):
                    connection.close()
                else:
                    self._give_back(connection)
                raise
            self._give_back(connection)
        finally:
            self._slots.release()

    def _carry_out(self, make: Callable[[OwnConnection], Plan[T]]) -> T:
        try:
            with self.connection() as connection:
                return connection.run(make(connection))
        except ProletarianError:
            raise
        except Exception as error:
            family, shown = self.database.family, redacted(self.database.url)
            if family.is_ended(error):
                raise LookTookTooLong(
                    f"the database did not answer within {self.at_most:g} s, and the query was cancelled "
                    f"({first_line(error)})"
                ) from error
            if family.is_error(error) and self.database.is_transient(error):
                raise DatabaseUnavailable(f"{shown} cannot be reached at the moment: {first_line(error)}") from error
            raise self.database.explained(error) from error

    def _take(self) -> OwnConnection:
        found, old = None, []
        with self._lock:
            while self._idle and found is None:
                since, connection = self._idle.pop()
                if time.monotonic() - since > KEPT:
                    old.append(connection)
                else:
                    found = connection
        if found is not None:
            try:
                found.check()
            except Exception:  # noqa: BLE001 (whatever it is, another connection is the answer)
                old.append(found)
                found = None
        for connection in old:
            connection.close()
        return found or self.database.connect()

    def _give_back(self, connection: OwnConnection) -> None:
        with self._lock:
            stale = [kept for since, kept in self._idle if time.monotonic() - since > KEPT]
            self._idle = [(since, kept) for since, kept in self._idle if time.monotonic() - since <= KEPT]
            self._idle.append((time.monotonic(), connection))
        for each in stale:
            each.close()

    def close(self) -> None:
        """Close what is open; the next look opens another."""
        with self._lock:
            idle, self._idle = self._idle, []
        for _, connection in idle:
            connection.close()
