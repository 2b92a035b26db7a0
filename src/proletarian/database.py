"""
A database by its URL, for those who open their own connections: workers and commands.

`Session` is one connection that comes back: it waits out what passes, reconnects, and
tries a plan again.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from typing import Any, TypeVar

from proletarian.drivers.driver import OwnConnection
from proletarian.drivers.places import place_of
from proletarian.drivers.registry import FAMILIES, redacted
from proletarian.errors import DatabaseUnavailable, SchemaOutOfDate
from proletarian.events import Log
from proletarian.queue import Queue
from proletarian.sql.statements import Plan

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0

# A forked child (multiprocessing in a handler) must not keep its parent's sessions alive.
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def _let_go() -> None:
    for session in list(_open):
        session.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class Stopped(Exception):
    """The session was closed while it waited for the database to come back."""


class Database:
    """
    Where a queue's tables are: by a URL, an SQLAlchemy Engine, or `django://alias`.

    >>> Database("sqlite:///jobs.db").kind
    'sqlite'
    """

    def __init__(self, where: Any, queue: Queue | None = None) -> None:
        place = place_of(where)
        self.url = place.url
        self.queue = queue or Queue()
        self.kind, self.family = place.database, FAMILIES[place.database]
        self._connect, self.create = place.connect, place.create
        self.dialect = self.queue.dialect(self.kind)

    def __repr__(self) -> str:
        return f"<Database {redacted(self.url)}>"

    def connect(self) -> OwnConnection:
        """Open a connection; raises `DatabaseUnavailable` in words, with the driver's error as its cause."""
        try:
            return self._connect()
        except Exception as error:
            if self.is_trouble(error):
                raise DatabaseUnavailable(f"{redacted(self.url)} cannot be reached: {first_line(error)}") from error
            raise

    def run(self, plan: Plan[T]) -> T:
        """Carry out one plan on a connection of its own."""
        connection = self.connect()
        try:
            return connection.run(plan)
        except Exception as error:
            raise self.explained(error) from error
        finally:
            connection.close()

    def is_transient(self, error: BaseException) -> bool:
        """Whether waiting and trying again is the answer."""
        cause = error.__cause__ if isinstance(error, DatabaseUnavailable) else error
        return isinstance(cause, Exception) and self.family.is_transient(cause)

    def is_trouble(self, error: Exception) -> bool:
        """Whether the driver, not our code, raised this."""
        return any(kind.__name__ in ("Error", "OperationalError") for kind in type(error).__mro__)

    def explained(self, error: Exception) -> Exception:
        """The error, or a clearer one."""
        return self.family.explain(error) or error


def first_line(error: BaseException) -> str:
    """The first line of what an error says, or its name."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


class Session:
    """
    One connection that comes back: plans are tried again until the database has answered.

    Trouble of the moment is logged once, waited out with growing pauses, and its end is
    logged too. What is no such trouble is asked of `on_error`: True lets it pass to the
    caller, False tries again like the rest.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        *,
        on_connect: Callable[[OwnConnection], None] | None = None,
        on_error: Callable[[Exception], bool] = lambda error: True,
        longest_wait: float = LONGEST_WAIT,
    ) -> None:
        self.database = database
        self.log = log
        self.on_connect = on_connect
        self.on_error = on_error
        self.longest_wait = longest_wait
        self.closed = threading.Event()
        self.troubles = 0  # counts up whenever an answer may have been lost
        self._connection: OwnConnection | None = None
        self._trouble_since: float | None = None
        self._postponing = False
        _open.add(self)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connection(self) -> OwnConnection:
        """The connection; opened if there is none. Raises what the driver raises."""
        if self._connection is None:
            fresh = self.database.connect()
            try:
                if self.on_connect:
                    self.on_connect(fresh)
            except BaseException:
                fresh.close()
                raise
            self._connection = fresh
        return self._connection

    @property
    def is_open(self) -> bool:
        """Whether there is a connection at the moment."""
        return self._connection is not None

    @property
    def in_trouble(self) -> bool:
        """Whether the database does not answer at the moment."""
        return self._trouble_since is not None

    def run(self, plan: Callable[..., Plan[T]], *args: Any, **kwargs: Any) -> T:
        """Carry out `plan(*args)`; again, after trouble that passes. Raises `Stopped` once closed."""
        return self.do(lambda connection: connection.run(plan(*args, **kwargs)))

    def do(self, action: Callable[[OwnConnection], T]) -> T:
        """The same for anything that is done with the connection."""
        wait = FIRST_WAIT
        while True:
            try:
                result = action(self.connection)
            except Exception as error:  # noqa: BLE001 (sorted out in `_after`; drivers share no parent class)
                self._after(error)
            else:
                self._well_again()
                return result
            if self.closed.wait(wait * random.uniform(0.5, 1.5)):  # noqa: S311 (spread, no secret)
                raise Stopped
            wait = min(wait * 2, self.longest_wait)

    def once(self, plan: Callable[..., Plan[T]], *args: Any, **kwargs: Any) -> T | None:
        """
        Carry out `plan(*args)` if it can be done now; None after trouble that passes.

        For what may wait until the next turn, and must not keep its caller from better things.
        """
        try:
            result = self.connection.run(plan(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 (as in `do`)
            self._sort_out(error)
            if not self._postponing:
                self._postponing = True
                self.log("database.unavailable", {"error": error})
            return None
        self._postponing = False
        return result

    def _after(self, error: Exception) -> None:
        self._sort_out(error)
        if self._trouble_since is None:
            self._trouble_since = time.monotonic()
            self.log("database.unavailable", {"error": error})

    def _sort_out(self, error: Exception) -> None:
        """Make the connection fit to be used again; raises what is not to be tried again."""
        self.troubles += 1
        if self._connection is not None and not self._connection.recover(error):
            self.drop()
        transient = self.database.is_transient(error)
        if self.closed.is_set():
            raise Stopped from error
        if not transient:
            better = self.database.explained(error)
            if self.on_error(better):
                raise better from error

    def _well_again(self) -> None:
        if self._trouble_since is not None:
            self.log("database.recovered", {"after": round(time.monotonic() - self._trouble_since, 3)})
            self._trouble_since = None

    def drop(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """Close for good."""
        self.closed.set()
        self.drop()

    def forked(self) -> None:
        """In a child process: let go of the parent's connection without a word to the server."""
        if self._connection is not None:
            self._connection.forked()
            self._connection = None


def require_schema(database: Database, version: int | None, newest: int) -> None:
    """Raise `SchemaOutOfDate` unless the tables are as new as the code; newer ones are fine."""
    shown = redacted(database.url)
    if version is None:
        raise SchemaOutOfDate(f"{shown} has no tables of Proletarian; run `proletarian migrate {shown}`")
    if version < newest:
        raise SchemaOutOfDate(
            f"the tables in {shown} are at version {version}, this release needs {newest}; "
            f"run `proletarian migrate {shown}`"
        )
