"""
A connection that comes back: it waits out temporary trouble, reconnects, and tries a plan again.
"""

from __future__ import annotations

import os
import random
import threading
import time
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from proletarian.connections.database import Database, first_line
from proletarian.connections.outage import Outage
from proletarian.drivers.driver import OwnConnection
from proletarian.events import Log
from proletarian.sql.statements import Plan

T = TypeVar("T")

FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0
CONTENTION = 5.0  # seconds for which others may hold what we want before that counts as trouble
LOCKED_WAIT = 0.5  # the longest pause after a wait for others' locks, which already took long enough

# A forked child (multiprocessing in a handler) must not keep its parent's sessions alive.
_open: weakref.WeakSet[Any] = weakref.WeakSet()


def _let_go() -> None:
    for session in list(_open):
        session.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class Stopped(Exception):
    """The session was closed while it waited for the database to come back."""


class Refused(Exception):
    """The database is up and refuses what it was asked to do; its error is the cause."""


@dataclass(frozen=True, eq=False)
class Flight:
    """One attempt at something that the database has to answer, from start to answer; each is a separate object."""

    name: str  # of the plan


class Session:
    """
    One connection that comes back: plans are tried again until the database has answered.

    Temporary trouble is logged once for all sessions that share an `Outage`, waited out with growing pauses, and its
    end is logged too. Locks that others hold are an outage only if that lasts. Any other error goes to `on_error`:
    True lets it pass to the caller, False makes it try again like the rest.

    Another thread may watch it: `flight` is what is waiting for an answer now, and `cut` ends that wait.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        *,
        on_connect: Callable[[OwnConnection], None] | None = None,
        on_error: Callable[[Exception], bool] = lambda error: True,
        longest_wait: float = LONGEST_WAIT,
        outage: Outage | None = None,
    ) -> None:
        self.database = database
        self.log = log
        self.outage = outage or Outage(log)
        self.on_connect = on_connect
        self.on_error = on_error
        self.longest_wait = longest_wait
        self.closed = threading.Event()
        self.troubles = 0  # counts up whenever an answer may have been lost
        self.tries = 0  # counts up with each flight
        self.flight: Flight | None = None
        self.late: dict[str, int] = {}  # how often flights of this name were cut since one last got its answer
        self._connection: OwnConnection | None = None
        self._opened: float | None = None  # when the current or last connection was opened
        self._wire: OwnConnection | None = None  # the same connection, or one that is not ready yet
        self._wire_lock = threading.Lock()  # a thread that cuts it must not hit its replacement
        self._trouble_since: float | None = None
        self._postponed: dict[str, float] = {}  # since when each plan of this name has been postponed
        _open.add(self)

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def connection(self) -> OwnConnection:
        """The connection, opened if there is none. Raises what the driver raises."""
        if self._connection is None:
            self._opened = None
            self._wire = self.database.connect()
            self._opened = time.monotonic()
            try:
                if self.on_connect:
                    self.on_connect(self._wire)
            except BaseException:
                self._close_wire()
                raise
            self._connection = self._wire
        return self._connection

    @property
    def is_open(self) -> bool:
        """Whether there is a connection at the moment."""
        return self._connection is not None

    @property
    def in_trouble(self) -> bool:
        """Whether the database does not answer at the moment."""
        return self._trouble_since is not None

    def insist(self, plan: Callable[..., Plan[T]], *args: Any, **kwargs: Any) -> T:
        """Carry out `plan(*args)`, and again after temporary trouble. Raises `Stopped` once closed."""
        return self.do(lambda connection: connection.run(plan(*args, **kwargs)), name=plan.__name__)

    def offer(self, plan: Callable[..., Plan[T]], *args: Any) -> T:
        """Like `insist`, but what waiting does not cure raises `Refused` at once, and `on_error` is not asked."""
        return self.do(lambda connection: connection.run(plan(*args)), name=plan.__name__, offered=True)

    def do(self, action: Callable[[OwnConnection], T], *, name: str, offered: bool = False) -> T:
        """The same for anything that is done with the connection; `name` is shown to people if it gets stuck."""
        wait = FIRST_WAIT
        while True:
            try:
                result = self._try(name, action)
            except Exception as error:  # noqa: BLE001 (sorted out in `_after`; drivers share no parent class)
                self._after(error, offered=offered)
                if self.database.family.is_contended(error):
                    wait = min(wait, LOCKED_WAIT)
            else:
                self._well_again()
                return result
            if self.closed.wait(wait * random.uniform(0.5, 1.5)):  # noqa: S311 (spread, no secret)
                raise Stopped
            wait = min(wait * 2, self.longest_wait)

    def once(self, plan: Callable[..., Plan[T]], *args: Any, **kwargs: Any) -> T | None:
        """
        Carry out `plan(*args)` if it can be done now; returns None after temporary trouble.

        For work that can wait until the next turn, and must not keep its caller from more urgent work.
        """
        try:
            result = self._try(plan.__name__, lambda connection: connection.run(plan(*args, **kwargs)))
        except Exception as error:  # noqa: BLE001 (as in `do`)
            self._sort_out(error)
            self._tell(error, self._postponed.setdefault(plan.__name__, time.monotonic()))
            return None
        if self._postponed.pop(plan.__name__, None) and not self._postponed:
            self.outage.ends(self)
        return result

    def _try(self, name: str, action: Callable[[OwnConnection], T]) -> T:
        self.tries += 1
        self.flight = Flight(name)
        try:
            result = action(self.connection)
        finally:
            self.flight = None
        if self.late:
            self.late.pop(name, None)
        return result

    def rest(self) -> None:
        """Called within an action: from here on it only waits for something that may never come, so it is not late."""
        self.flight = None

    def cut(self) -> None:
        """Called from another thread: the thread that waits for an answer gets an error, and reconnects."""
        with self._wire_lock:
            if self._wire is not None:
                self._wire.cut()

    def cut_late(self, who: str, seconds: float) -> bool:
        """Cut a wait for an answer that has lasted for so long, and say so; returns whether there was one."""
        flight = self.flight
        if flight is None:
            return False
        self.cut()
        self.log("database.stuck", {"who": who, "statement": flight.name, "seconds": seconds})
        return True

    def _after(self, error: Exception, *, offered: bool) -> None:
        self._sort_out(error, offered=offered)
        self._trouble_since = self._trouble_since or time.monotonic()
        self._tell(error, self._trouble_since)

    def _tell(self, error: Exception, since: float) -> None:
        if self.database.family.is_contended(error) and time.monotonic() - since < CONTENTION:
            self.log("database.contended", {"error": error})
        else:
            self.outage.begins(self, error, self._opened if self.database.is_transient(error) else None)

    def _sort_out(self, error: Exception, *, offered: bool = False) -> None:
        """Make the connection usable again; raises an error that must not be retried."""
        transient = self.database.is_transient(error)
        refused = offered and not transient  # an answer, so none was lost
        self.troubles += not refused
        if self._connection is not None and not self._connection.recover(error):
            self.drop()
        if self.closed.is_set():
            raise Stopped from error
        if refused:
            raise Refused(first_line(error)) from error
        if not transient:
            better = self.database.explained(error)
            if self.on_error(better):
                raise better from error

    def _well_again(self) -> None:
        if self._trouble_since is not None:
            self._trouble_since = None
            self.outage.ends(self)

    def drop(self) -> None:
        """Close the connection; the next use opens another."""
        if self._connection is not None:
            self._connection = None
            self._close_wire()

    def _close_wire(self) -> None:
        with self._wire_lock:
            wire, self._wire = self._wire, None
        if wire is not None:
            wire.close()

    def close(self) -> None:
        """Close for good."""
        self.outage.leaves(self)
        self.closed.set()
        self.drop()

    def forked(self) -> None:
        """In a child process: let go of the parent's connection without telling the server."""
        if self._connection is not None:
            self._connection.forked()
            self._connection = self._wire = None
