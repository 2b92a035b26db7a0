"""
What a driver is: how to recognise a library's connections, and how to execute on them.

`Driver` is for connections of the application, which are never committed, rolled back or
configured. `OwnConnection` is for those that a worker or a command opens for itself.
"""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from proletarian.sql.dialect import Dialect
from proletarian.sql.living import evict, held, hold
from proletarian.sql.rows import Peer
from proletarian.sql.statements import Plan, Rows, Step, run

T = TypeVar("T")

FIRST_ANSWERS = 10.0  # seconds that each answer may take while a connection of our own is set up


@dataclass(frozen=True, slots=True)
class Driver:
    """
    How to enqueue through one library's connections.

    `connection` names the class as `module.Class`; subclasses and proxies are recognised too. `database` is postgresql,
    mysql or sqlite, or a function of the connection that says which. `execute(connection, step)` executes one step and
    returns its rows as tuples ([] if it has none); an async library has `aexecute` instead, a coroutine function.
    `copies` says whether it carries out a `Copy` step. `explain(error)` may return an error to raise instead, for
    errors that users can fix. `is_closed(connection)` must not ask the server. `is_two_phase(connection)` says whether
    its transaction is to be prepared; such a transaction cannot notify. `is_alone(connection)` says, for SQLite,
    whether the next statement would be a transaction by itself.
    """

    connection: str
    database: str | Callable[[Any], str]
    execute: Callable[[Any, Step], Rows] | None = None
    aexecute: Callable[[Any, Step], Awaitable[Rows]] | None = None
    copies: bool = False
    explain: Callable[[Exception], Exception | None] = lambda error: None
    is_closed: Callable[[Any], bool] = lambda connection: False
    is_two_phase: Callable[[Any], bool] | None = None
    is_alone: Callable[[Any], bool] = lambda connection: False

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

    def cut(self) -> None:
        """Called from another thread: end whatever waits for the server's answer, with an error; never raises."""

    def forked(self) -> None:
        """Called in a child process: let go of what would keep the parent's session alive."""

    def wait_at_most(self, seconds: float) -> None:
        """From now on fail, with an error that passes, rather than wait longer for others' locks."""

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves a worker's life, for as long as this connection lives."""

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""

    def free(self, peer: Peer) -> Sequence[bool]:
        """Which of the locks that prove another worker's life nobody holds."""

    def evict(self, dialect: Dialect, lock: Any) -> None:
        """End the session that holds the lock, if it is another one and we may; never raises."""

    def end_after(self, seconds: float) -> None:
        """From now on a statement that takes longer fails with an error that `is_ended` knows."""

    def drop_after(self, seconds: float) -> None:
        """Have the server end this session when its client has been out of reach for so long, where it can."""

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, there may be new jobs, or time is over; False for the last."""

    def called(self) -> Collection[str] | None:
        """The queues whose new jobs ended sleeps since last asked; none in it: any may have some; None: no news."""

    def ordered(self) -> bool:
        """Whether it was told, since last asked, that people have given orders to the fleet."""


class ServerConnection(OwnConnection):
    """What connections to a server have in common."""

    session: int | None = None
    notifies = False

    def called(self) -> Collection[str] | None:
        """No news, where nobody notifies."""
        return None

    def ordered(self) -> bool:
        """Nor this."""
        return False

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""
        return run(plan, self.execute)

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves a worker's life; never through a pooler, where sessions are shared."""
        return self.session is not None and self.run(hold(dialect, lock))

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""
        both = self.session is not None and holder.session is not None
        return both and self.run(held(dialect, lock, holder.session or 0))

    def free(self, peer: Peer) -> Sequence[bool]:
        """As the statement saw it."""
        return peer.free

    def evict(self, dialect: Dialect, lock: Any) -> None:
        """Have the server end it. Where it refuses, the session goes when the server finds its client gone."""
        if self.session is not None:
            with contextlib.suppress(Exception):  # it has just ended, or is another user's; drivers share no class
                self.run(evict(dialect, lock))

    def drop_after(self, seconds: float) -> None:
        """Not every server lets a session say so."""


class Family(Protocol):
    """A kind of database, reached by URL; each module in `families` is one."""

    schemes: Sequence[str]
    # How long a lock that was never seen held must be seen free before its worker counts as
    # dead: after a restart of a server everybody has to come back first.
    settling: float
    # How many times `lost_after` a heartbeat may be silent while a lock says that its worker lives:
    # for a handler that holds the interpreter. Large where the lock goes soon after its machine is
    # out of reach, so that only a frozen process is left to be found by it.
    patience: float

    def connect(self, url: str) -> OwnConnection:
        """Open a connection of our own."""

    def is_transient(self, error: Exception) -> bool:
        """Whether this is the database's trouble of the moment: wait and try again."""

    def is_error(self, error: BaseException) -> bool:
        """Whether the driver raised this, and not our code."""

    def is_contended(self, error: BaseException) -> bool:
        """Whether others hold what a statement wanted (a lock, a row): the database is there all the same."""

    def explain(self, error: Exception) -> Exception | None:
        """An error in words that say what to do, for what users can put right."""

    def is_ended(self, error: Exception) -> bool:
        """Whether a statement was ended for the time that it took; see `end_after`."""


def shut(file: int) -> None:
    """Shut down a socket by a copy of its descriptor: whichever thread waits for it is told that it has ended."""
    with contextlib.suppress(OSError), socket.fromfd(file, socket.AF_INET, socket.SOCK_STREAM) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def readable(files: Sequence[int], timeout: float) -> set[int]:
    """Those of these file descriptors that can be read within `timeout` seconds."""
    poll = select.poll()  # unlike select(), it takes descriptors above 1023
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(max(0, timeout) * 1000)}


def writable(file: int) -> bool:
    """Whether something can be written to this file descriptor without waiting."""
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return any(events & select.POLLOUT for _, events in poll.poll(0))
