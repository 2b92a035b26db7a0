"""
What a driver is: how to recognise a library's connections, and how to execute on them.

`Driver` is for connections of the application, which are never committed, rolled back or
configured. `OwnConnection` is for those that a worker or a command opens for itself.
"""

from __future__ import annotations

import select
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Colleague
from proletarian.sql.statements import Plan, Rows, Step, run

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Driver:
    """
    How to enqueue through one library's connections.

    `connection` names the class as `module.Class`; subclasses and proxies are recognised too.
    `database` is postgresql, mysql or sqlite, or a function of the connection that says
    which. `execute(connection, step)` executes one step and gives its rows as tuples ([] if
    it has none); an async library has `aexecute` instead, a coroutine function. `copies` says
    whether it carries out a `Copy` step. `explain(error)` may give an error to raise instead,
    for what users can put right. `is_closed(connection)` asks no server.
    """

    connection: str
    database: str | Callable[[Any], str]
    execute: Callable[[Any, Step], Rows] | None = None
    aexecute: Callable[[Any, Step], Awaitable[Rows]] | None = None
    copies: bool = False
    explain: Callable[[Exception], Exception | None] = lambda error: None
    is_closed: Callable[[Any], bool] = lambda connection: False

    def database_of(self, connection: Any) -> str:
        """Which kind of database this connection is to."""
        return self.database if isinstance(self.database, str) else self.database(connection)


class Waker(Protocol):
    """Something to select on, that other threads can make readable."""

    def fileno(self) -> int:
        """The file descriptor that becomes readable."""

    def clear(self) -> None:
        """Make it unreadable again."""


class OwnConnection(Protocol):
    """A connection of our own, in autocommit unless a plan says begin."""

    session: int | None  # its number on the server; None where it has none that lasts (a pooler, SQLite)
    notifies: bool  # whether `wait` hears of new jobs

    def execute(self, step: Step) -> Rows:
        """Execute one step."""

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""

    def close(self) -> None:
        """Close it; never raises."""

    def recover(self, error: Exception) -> bool:
        """Roll back after an error; False if the connection has to be replaced."""

    def check(self) -> None:
        """Raise if the server has closed it; cheap, no statement."""

    def forked(self) -> None:
        """Called in a child process: let go of what would keep the parent's session alive."""

    def wait_at_most(self, seconds: float) -> None:
        """From now on fail, with an error that passes, rather than wait longer for others' locks."""

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves a worker's life, for as long as this connection lives."""

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""

    def is_free(self, colleague: Colleague) -> bool:
        """Whether the lock of a colleague is free."""

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, there may be new jobs, or time is over; False for the last."""


class ServerConnection(OwnConnection):
    """What connections to a server have in common."""

    session: int | None = None
    notifies = False

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""
        return run(plan, self.execute)

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves a worker's life; never through a pooler, where sessions are shared."""
        return self.session is not None and self.run(dialect.hold(lock))

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""
        both = self.session is not None and holder.session is not None
        return both and self.run(dialect.held(lock, holder.session or 0))

    def is_free(self, colleague: Colleague) -> bool:
        """As the statement saw it."""
        return colleague.lock_free


class Family(Protocol):
    """A kind of database, reached by URL; each module of a worker's driver is one."""

    schemes: Sequence[str]
    # How long a lock that was never seen held must be seen free before its worker counts as
    # dead: after a restart of a server everybody has to come back first.
    settling: float

    def connect(self, url: str) -> OwnConnection:
        """Open a connection of our own."""

    def is_transient(self, error: Exception) -> bool:
        """Whether this is the database's trouble of the moment: wait and try again."""

    def explain(self, error: Exception) -> Exception | None:
        """An error in words that say what to do, for what users can put right."""


def readable(files: Sequence[int], timeout: float) -> set[int]:
    """Those of these file descriptors that can be read within `timeout` seconds."""
    poll = select.poll()  # unlike select(), it takes descriptors above 1023
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(max(0, timeout) * 1000)}
