"""SQLite by the path of a file: our own connections."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from collections.abc import Collection, Sequence
from typing import Any, TypeVar
from urllib.parse import unquote

from proletarian.drivers.driver import OwnConnection, Waker, readable
from proletarian.drivers.sqlite3 import execute
from proletarian.drivers.sqlite3 import explain as explain
from proletarian.errors import ConfigurationError, DatabaseUnavailable, SchemaOutOfDate
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Peer
from proletarian.sql.statements import Plan, Rows, Step, run

try:
    import fcntl
except ImportError:  # Windows: workers are judged only by their heartbeat
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")


UNREADABLE = "Could not decode to UTF-8"
PASSING = (UNREADABLE, "locked", "busy", "disk", "full", "I/O", "unable to open", "interrupted", "checkpoint")
WATCH = 0.01  # seconds between looks at whether another connection has committed

schemes = ("sqlite", "sqlite+pysqlite")
settling = 0.0  # a file lock is always right: there is no server that may have restarted
patience = 5.0


def connect(url: str) -> OwnSQLite:
    """Open one of our own connections: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`."""
    path = path_of(url)
    if not os.path.exists(path):  # SQLite would create it, and a typo in the path would go unnoticed
        raise SchemaOutOfDate(
            f"there is no file {os.path.abspath(path)!r}; if the path is right, run `proletarian migrate {url}`"
        )
    # Raised here, because SQLite's own message ("unable to open") also means too many open files.
    if not os.access(path, os.R_OK | os.W_OK):
        raise DatabaseUnavailable(f"the file {os.path.abspath(path)!r} cannot be read or written by this user")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.access(folder, os.W_OK | os.X_OK):
        raise DatabaseUnavailable(
            f"this user cannot write to the folder {folder!r}, where SQLite keeps its log next to the database"
        )
    return OwnSQLite(path)


def create(url: str) -> None:
    """Create the file if it does not exist; for SQLite an empty file is an empty database."""
    path = path_of(url)
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise DatabaseUnavailable(f"the file {os.path.abspath(path)!r} cannot be created: {error.strerror}") from error


def path_of(url: str) -> str:
    """The file that a URL names; raises `ConfigurationError` if it names none."""
    path = unquote(url.partition("://")[2].partition("?")[0].removeprefix("/"))
    if path in ("", ":memory:"):
        raise ConfigurationError(
            "an SQLite database in memory belongs to one connection, but workers have their own; use a file: "
            "sqlite:///jobs.db"
        )
    if os.path.isdir(path):
        raise ConfigurationError(f"{path!r} is a folder; name a file in it: sqlite:///{path.rstrip('/')}/jobs.db")
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ConfigurationError(f"there is no folder {folder!r} for the database {path!r}")
    return path


def is_ended(error: Exception) -> bool:
    """Whether a statement was cancelled because it took too long."""
    return str(error) == "interrupted"


def is_transient(error: Exception) -> bool:
    """Temporary trouble: somebody else is writing, or the disk is full."""
    return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in PASSING)


def is_error(error: BaseException) -> bool:
    """Whether the driver raised this."""
    return isinstance(error, sqlite3.Error)


def is_contended(error: BaseException) -> bool:
    """Whether somebody else is writing at the moment."""
    return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in ("locked", "busy"))


class OwnSQLite(OwnConnection):
    """A connection to an SQLite file, durable (WAL, synchronous=FULL), used by one thread at a time."""

    session = None
    notifies = True

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._locked: int | None = None
        self._called = False  # another connection's commit has ended a sleep
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._version = self._data_version()
        except BaseException:
            self.close()
            raise

    def _data_version(self) -> int:
        return int(self._connection.execute("PRAGMA data_version").fetchone()[0])

    def execute(self, step: Step) -> Rows:
        """Execute one step."""
        return execute(self._connection, step)

    def run(self, plan: Plan[T]) -> T:
        """Carry out a plan."""
        return run(plan, self.execute)

    def close(self) -> None:
        """Close it; never raises."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        self._release()

    def recover(self, error: Exception) -> bool:
        """
        Roll back after an error.

        SQLite stores any bytes as text. One row that is not UTF-8 must not hold up the others: from
        then on such bytes are read as well as possible, as a payload that cannot be decoded.
        """
        if UNREADABLE in str(error):
            self._connection.text_factory = lambda text: text.decode(errors="backslashreplace")
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except sqlite3.Error:
            return False
        return "I/O" not in str(error)  # somebody may have closed its files: reopen them

    def wait_at_most(self, seconds: float) -> None:
        """Limit the wait while somebody else is writing."""
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def end_after(self, seconds: float) -> None:
        """Count from now: SQLite checks the clock once every so many of its instructions."""
        deadline = time.monotonic() + seconds
        self._connection.set_progress_handler(lambda: time.monotonic() > deadline, 10_000)

    def check(self) -> None:
        """Nothing: there is no server that could have closed it."""

    # The lock that proves that a worker is alive is a locked file next to the database. The operating
    # system releases it the instant the process ends, however it ends.

    def hold(self, dialect: Dialect, lock: Any) -> bool:
        """Lock this worker's file."""
        if fcntl is None:
            return False
        self._release()
        file = os.open(self.path + lock, os.O_CREAT | os.O_RDWR, 0o666)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            return False
        self._locked, self._lock_path = file, self.path + lock
        return True

    def _release(self) -> None:
        if self._locked is not None:
            with contextlib.suppress(OSError):
                os.unlink(self._lock_path)
            os.close(self._locked)
            self._locked = None

    def held(self, dialect: Dialect, lock: Any, holder: OwnConnection) -> bool:
        """Whether the file of another connection is seen locked."""
        return fcntl is not None and not self._try(self.path + lock)

    def free(self, peer: Peer) -> Sequence[bool]:
        """Whether nobody locks the file of another worker."""
        return [fcntl is not None and self._try(self.path + lock) for lock in peer.locks]

    def evict(self, dialect: Dialect, lock: Any) -> None:
        """Nothing: a file lock never outlives its process."""

    def drop_after(self, seconds: float) -> None:
        """Nothing: there is no server that could lose contact with us."""

    def _try(self, path: str) -> bool:
        try:
            file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return False
        else:
            return True
        finally:
            os.close(file)

    def cut(self) -> None:
        """Nothing: there is no server that could leave us without an answer."""

    def forked(self) -> None:
        """Close this process's copy of the locked file, so that it does not outlive the parent."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def called(self) -> Collection[str] | None:
        """Nothing by name: a commit may have been a job in any queue, or no job."""
        called, self._called = self._called, False
        return () if called else None

    def ordered(self) -> bool:
        """Unknown: a commit does not say what was committed."""
        return False

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, another connection has committed, or the time is up."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if readable([waker.fileno()], min(left, WATCH)):
                waker.clear()
                return True
            if (version := self._data_version()) != self._version:
                self._version, self._called = version, True
                return True
            if left <= 0:
                return False
