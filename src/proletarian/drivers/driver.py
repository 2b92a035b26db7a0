"""
What a driver is: how to recognise a library's connections, and how to execute on them.

`Driver` is for the application's connections, which are never committed, rolled back or
configured. `OwnConnection` is for those that a worker or a command opens for itself.
"""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from proletarian.sql.dialect import Dialect
from proletarian.sql.living import evict, held, hold
from proletarian.sql.rows import Peer
from proletarian.sql.statements import Plan, Rows, Step, run

T = TypeVar("T")

FIRST_ANSWERS = 10.0  # seconds that each answer may take while one of our own connections is set up


@dataclass(frozen=True, slots=True)
class Driver:
    """
    How to enqueue through one library's connections.

    `connection` names the class as `module.Class`; subclasses and proxies are recognised too. `database` is postgresql,
    mysql or sqlite, or a function of the connection that says which. `execute(connection, step)` executes one step and
    returns its rows as tuples ([] if it has none); an async library has `aexecute` instead, a coroutine function.
    `copies` says whether it carries out a `Copy` step. `explain(error)` may return an error to raise instead, for
    errors that users can fix. `is_closed(connection)` must not ask the server. `is_two_phase(connection)` says whether
    its transaction is to be prepared; such a transaction cannot notify. `is_alone(connection)` says, for SQLite
    and MySQL, whether the next statement would be a transaction by itself; None if only the server knows.
    """

    connection: str
    database: str | Callable[[Any], str]
    execute: Callable[[Any, Step], Rows] | None = None
    aexecute: Callable[[Any, Step], Awaitable[Rows]] | None = None
    copies: bool = False
    explain: Callable[[Exception], Exception | None] = lambda error: None
    is_closed: Callable[[Any], bool] = lambda connection: False
    is_two_phase: Callable[[Any], bool] | None = None
    is_alone: Callable[[Any], bool | None] = lambda connection: None

    def database_of(self, connection: Any) -> str:
        """Which kind of database this connection goes to."""
        return self.database if isinstance(self.database, str) else self.database(connection)


class Waker(Protocol):
    """Something to select on that other threads can make readable."""

    def fileno(self) -> int:
        """The file descriptor that becomes readable."""

    def clear(self) -> None:
        """Make it unreadable again."""


class OwnConnection(Protocol):
    """One of our own connections, in autocommit mode unless a plan says begin."""

    session: int | None  # its number on the server; None if it has no stable one (a pooler, SQLite)
    notifies: bool  # whether `wait` hears about new jobs

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
        """Called in a child process: release what would keep the parent's session alive."""

    def wait_at_most(self, seconds: float) -> None:
        """From now on fail, with a temporary error, instead of waiting longer than this for others' locks."""

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves that a worker is alive, for as long as this connection lives."""

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""

    def free(self, peer: Peer) -> Sequence[bool]:
        """Which of the locks that prove that another worker is alive are free."""

    def evict(self, dialect: Dialect, lock: Any) -> None:
        """End the session that holds the lock, if it is another one and we may; never raises."""

    def end_after(self, seconds: float) -> None:
        """From now on a statement that takes longer fails with an error that `is_ended` knows."""

    def drop_after(self, seconds: float) -> None:
        """Have the server end this session when its client has been out of reach for this long, where it can."""

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, there may be new jobs, or the time is up; False for the last."""

    def called(self) -> Collection[str] | None:
        """The queues whose new jobs ended sleeps since the last call; if empty, any may have some; None: no news."""

    def ordered(self) -> bool:
        """Whether it was told since the last call that people have given orders to the fleet."""


class ServerConnection(OwnConnection):
    """What connections to a server have in common."""

    session: int | None = None
    notifies = False

    def called(self) -> Collection[str] | None:
        """No news, because nothing notifies."""
        return None

    def ordered(self) -> bool:
        """No news here either."""
        return False

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""
        return run(plan, self.execute)

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Take the lock that proves that a worker is alive; never through a pooler, where sessions are shared."""
        return self.session is not None and self.run(hold(dialect, lock))

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether this connection sees that `holder` holds the lock."""
        both = self.session is not None and holder.session is not None
        return both and self.run(held(dialect, lock, holder.session or 0))

    def free(self, peer: Peer) -> Sequence[bool]:
        """What the statement saw."""
        return peer.free

    def evict(self, dialect: Dialect, lock: Any) -> None:
        """Have the server end it; if it refuses, the session goes when the server finds its client gone."""
        if self.session is not None:
            with contextlib.suppress(Exception):  # it has just ended, or is another user's; drivers share no class
                self.run(evict(dialect, lock))

    def drop_after(self, seconds: float) -> None:
        """Nothing: not every server lets a session ask for this."""


class Family(Protocol):
    """A kind of database that is reached by URL; each module in `families` is one."""

    schemes: Sequence[str]
    # How long a lock that was never seen held must be seen free before its worker counts as
    # dead: after a server restart all workers have to come back first.
    settling: float
    # How many times `lost_after` a heartbeat may be silent while a lock says that its worker is alive,
    # as with a handler that holds the interpreter. Large where the lock goes soon after its machine is
    # out of reach, so that this only has to find frozen processes.
    patience: float

    def connect(self, url: str) -> OwnConnection:
        """Open one of our own connections."""

    def is_transient(self, error: Exception) -> bool:
        """Whether this is temporary trouble of the database: wait and try again."""

    def is_error(self, error: BaseException) -> bool:
        """Whether the driver raised this, and not our code."""

    def is_contended(self, error: BaseException) -> bool:
        """Whether others hold what a statement wanted (a lock, a row): the database itself is fine."""

    def explain(self, error: Exception) -> Exception | None:
        """A clearer error that says what to do, for problems that users can fix."""

    def is_ended(self, error: Exception) -> bool:
        """Whether a statement was cancelled because it took too long; see `end_after`."""


@contextlib.contextmanager
def cut_after(seconds: float, connection: OwnConnection) -> Iterator[None]:
    """
    Cut the connection if the block takes longer than this.

    Whoever has accepted a connection, a server or a proxy in front of it, may then say nothing, for as long as we wait.
    """
    late = threading.Timer(seconds, connection.cut)
    late.daemon = True
    late.start()
    try:
        yield
    finally:
        late.cancel()


def shut(file: int) -> None:
    """Shut down a socket through a copy of its descriptor, so that the thread that waits for it wakes up."""
    with contextlib.suppress(OSError), socket.fromfd(file, socket.AF_INET, socket.SOCK_STREAM) as copy:
        copy.shutdown(socket.SHUT_RDWR)


def readable(files: Sequence[int], timeout: float) -> set[int]:
    """The file descriptors among these that become readable within `timeout` seconds."""
    poll = select.poll()  # unlike select(), it takes descriptors above 1023
    for file in files:
        poll.register(file, select.POLLIN)
    return {file for file, _ in poll.poll(max(0, timeout) * 1000)}


def writable(file: int) -> bool:
    """Whether this file descriptor can be written to without waiting."""
    poll = select.poll()
    poll.register(file, select.POLLOUT)
    return any(events & select.POLLOUT for _, events in poll.poll(0))
