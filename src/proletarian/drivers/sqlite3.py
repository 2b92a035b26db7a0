"""sqlite3, from the standard library: SQLite."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from typing import Any, TypeVar
from urllib.parse import unquote

from proletarian.drivers.driver import Driver, OwnConnection, Waker, readable
from proletarian.errors import ConfigurationError, SchemaOutOfDate
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Colleague
from proletarian.sql.statements import Copy, Plan, Rows, Step, run

try:
    import fcntl
except ImportError:  # Windows: workers are judged by their heartbeat alone
    fcntl = None  # type: ignore[assignment]

T = TypeVar("T")

UNREADABLE = "Could not decode to UTF-8"
PASSING = (UNREADABLE, "locked", "busy", "disk", "full", "I/O", "unable to open", "interrupted", "checkpoint")
WATCH = 0.01  # seconds between looks at whether another connection has committed


def explain(error: Exception) -> Exception | None:
    """A missing table or column, in words that say what to do."""
    if "no such table" in str(error) or "no such column" in str(error) or "has no column" in str(error):
        return SchemaOutOfDate(f"a table or column is missing ({error}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever row factory the connection's owner likes."""
    if isinstance(step, Copy):
        raise TypeError("SQLite has no COPY")
    cursor = connection.cursor()
    try:
        cursor.row_factory = None
        cursor.execute(step.text.named, step.parameters)
        rows: Rows = cursor.fetchall()
        return rows
    finally:
        cursor.close()


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    try:
        _ = connection.total_changes
    except sqlite3.ProgrammingError:
        return True
    return False


DRIVERS = (Driver("sqlite3.Connection", "sqlite", execute=execute, explain=explain, is_closed=is_closed),)

# The family: connections of our own.

schemes = ("sqlite", "sqlite+pysqlite")
settling = 0.0  # a locked file is a locked file: there is no server that may have restarted


def connect(url: str) -> OwnSQLite:
    """Open a connection of our own: `sqlite:///relative/path.db`, `sqlite:////absolute/path.db`."""
    path = path_of(url)
    if not os.path.exists(path):  # SQLite would make it, and a slip in the path would go unnoticed
        raise SchemaOutOfDate(
            f"there is no file {os.path.abspath(path)!r}; if the path is right, run `proletarian migrate {url}`"
        )
    return OwnSQLite(path)


def create(url: str) -> None:
    """Make the file, if it is not there yet; to SQLite an empty one is an empty database."""
    with open(path_of(url), "ab"):
        pass


def path_of(url: str) -> str:
    """The file that a URL names; raises `ConfigurationError` if it can be none."""
    path = unquote(url.partition("://")[2].partition("?")[0].removeprefix("/"))
    if path in ("", ":memory:"):
        raise ConfigurationError(
            "a SQLite database in memory belongs to one connection, and workers have their own; "
            "use a file: sqlite:///jobs.db"
        )
    folder = os.path.dirname(os.path.abspath(path))
    if not os.path.isdir(folder):
        raise ConfigurationError(f"there is no folder {folder!r} for the database {path!r}")
    return path


def is_transient(error: Exception) -> bool:
    """Trouble of the moment: somebody else writes, or the disk is full."""
    return isinstance(error, sqlite3.OperationalError) and any(word in str(error) for word in PASSING)


class OwnSQLite(OwnConnection):
    """A connection to a SQLite file, durable (WAL, synchronous=FULL), used by one thread at a time."""

    session = None
    notifies = True

    def __init__(self, path: str) -> None:
        self.path = os.path.realpath(path)
        self._connection = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        self._connection.execute("PRAGMA journal_mode = WAL")
        self._connection.execute("PRAGMA synchronous = FULL")
        self._locked: int | None = None
        self._version = self._data_version()

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
        then on such bytes are read as they can be, as a payload that nothing decodes.
        """
        if UNREADABLE in str(error):
            self._connection.text_factory = lambda text: text.decode(errors="backslashreplace")
        try:
            if self._connection.in_transaction:
                self._connection.rollback()
        except sqlite3.Error:
            return False
        return True

    def wait_at_most(self, seconds: float) -> None:
        """Wait no longer while somebody else writes."""
        self._connection.execute(f"PRAGMA busy_timeout = {round(seconds * 1000)}")

    def check(self) -> None:
        """There is no server that could have closed it."""

    # The lock that proves a worker's life is a locked file beside the database. The operating
    # system frees it the instant the process ends, however it ends.

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

    def is_free(self, colleague: Colleague) -> bool:
        """Whether nobody locks the file of a colleague."""
        return colleague.lock is not None and fcntl is not None and self._try(self.path + colleague.lock)

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

    def forked(self) -> None:
        """Close this process's copy of the locked file, so that it does not outlive the parent."""
        if self._locked is not None:
            os.close(self._locked)
            self._locked = None

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, another connection has committed, or time is over."""
        end = time.monotonic() + timeout
        while True:
            left = end - time.monotonic()
            if readable([waker.fileno()], min(left, WATCH)):
                waker.clear()
                return True
            if (version := self._data_version()) != self._version:
                self._version = version
                return True
            if left <= 0:
                return False
