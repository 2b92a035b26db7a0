"""PostgreSQL by URL: our own connections, with psycopg 3."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from proletarian.drivers.driver import FIRST_ANSWERS, ServerConnection, Waker, cut_after, readable, shut
from proletarian.drivers.psycopg import execute, gives_rows
from proletarian.drivers.psycopg import explain as explain
from proletarian.errors import ConfigurationError
from proletarian.sql.statements import Copy, Rows, Statement, Step, Text

if TYPE_CHECKING:
    import psycopg


CANCELED = "57014"

schemes = ("postgresql", "postgres", "postgresql+psycopg")
settling = 15.0
patience = 5.0

# These notice a dead network within half a minute; a URL may say otherwise.
DEFAULTS = {
    "application_name": "proletarian",
    "client_encoding": "UTF8",  # with SQL_ASCII, text would be read as bytes
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


# Times come as text that sorts. And plans are fixed: tables that fill and empty within a second
# always have wrong statistics, and we saw acknowledgements read all of `running_job`, a thousand
# times over, at a fifth of the speed. Each of our statements has its index. Small tables are read
# whole all the same, at a cost that the planner then thinks is huge; JIT, on by default, would
# compile each such statement for a quarter of a second.
SESSION = """
SET client_encoding TO 'UTF8';
SET timezone TO 'UTC';
SET datestyle TO 'ISO';
SET enable_seqscan TO off;
SET plan_cache_mode TO force_generic_plan;
SET jit TO off
"""


def connect(url: str) -> OwnPsycopg:
    """Open one of our own connections."""
    try:
        import psycopg
        from psycopg.conninfo import conninfo_to_dict
    except ImportError as error:
        raise ConfigurationError(
            f"PostgreSQL needs psycopg ({error}): pip install 'proletarian[postgresql]'"
        ) from error
    scheme, _, rest = url.partition("://")
    given = conninfo_to_dict(f"{scheme.partition('+')[0]}://{rest}")
    return OwnPsycopg(psycopg.connect(autocommit=True, **{**DEFAULTS, **given}))  # type: ignore[arg-type]


REFUSED = (
    "authentication failed",
    "does not exist",
    "no password supplied",
    "no pg_hba.conf entry",
    "permitted to log in",
    "permission denied for database",
    "unrecognized configuration parameter",
    "invalid value for parameter",
    "cannot be changed",
    "invalid command-line argument",
    "unsupported frontend protocol",
)
CONTENDED = ("40001", "40P01", "55P03")  # others hold what we want: serialization, deadlock, lock timeout


def is_ended(error: Exception) -> bool:
    """Whether a statement was cancelled because it took too long."""
    return getattr(error, "sqlstate", None) == CANCELED


def is_transient(error: Exception) -> bool:
    """Temporary trouble: no connection, a shutdown, a deadlock, a full disk, a standby that is not a primary yet."""
    import psycopg
    from psycopg import errors

    # No such role, password or database: waiting does not help. While connecting, psycopg
    # only says in words which error it was.
    final = (errors.InvalidAuthorizationSpecification, errors.InvalidCatalogName)
    if isinstance(error, final) or any(words in str(error) for words in REFUSED):
        return False
    return isinstance(error, (psycopg.OperationalError, errors.ReadOnlySqlTransaction))


def is_error(error: BaseException) -> bool:
    """Whether the driver raised this."""
    import psycopg

    return isinstance(error, psycopg.Error)


def is_contended(error: BaseException) -> bool:
    """Whether others hold what this statement wanted: that is not an outage, and trying again is all it takes."""
    return getattr(error, "sqlstate", None) in CONTENDED


def leave_as_text(connection: psycopg.Connection[Any]) -> None:
    """Read ids and times as text, because few of a thousand claimed rows are ever looked at."""
    from psycopg.types.string import TextLoader

    for kind in ("timestamptz", "uuid"):
        connection.adapters.register_loader(kind, TextLoader)


class OwnPsycopg(ServerConnection):
    """A connection to PostgreSQL, with its notifications and advisory locks."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        try:
            with cut_after(FIRST_ANSWERS, self):
                self._set_up(connection)
        except BaseException:
            self.close()
            raise

    def _set_up(self, connection: psycopg.Connection[Any]) -> None:
        leave_as_text(connection)
        self._cursor = connection.cursor()
        self._news: set[str] = set()  # queues that notifications have named
        self._called: set[str] = set()  # queues whose notifications have ended a sleep
        self._ordered = False  # people have given orders: a notification that names no queue
        # Behind a pooler the server process is not the one that we think we are talking to, and may be
        # a different one for each transaction: then no lock and no notification can be trusted.
        [(pid,)] = self.execute(Statement(Text("SELECT pg_backend_pid()")))
        self.session = pid if pid == connection.info.backend_pid else None
        if self.session is None:
            connection.prepare_threshold = None
        else:
            connection.execute(SESSION)
        self.notifies = self.session is not None
        connection.add_notify_handler(self._on_notify)

    def _on_notify(self, notification: psycopg.Notify) -> None:
        self._hear(notification.payload)

    def _hear(self, queue: str) -> None:
        if queue:
            self._news.add(queue)
        else:
            self._ordered = True

    def execute(self, step: Step) -> Rows:
        """Execute one step."""
        if isinstance(step, Copy):
            return execute(self._connection, step)
        self._cursor.execute(step.text.pyformat, step.parameters)
        return self._cursor.fetchall() if gives_rows(self._cursor, step) else []

    def close(self) -> None:
        """Close it; never raises."""
        self._connection.close()

    def recover(self, error: Exception) -> bool:
        """Roll back after an error; False if the connection has to be replaced."""
        from psycopg import Error

        try:
            self._connection.rollback()
        except Error:
            return False
        return not self._connection.broken and getattr(error, "sqlstate", None) is not None

    def wait_at_most(self, seconds: float) -> None:
        """Limit the wait for locks; not through a pooler, where others would inherit the limit."""
        if self.session is not None:
            self._connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{round(seconds * 1000)}ms"])

    def end_after(self, seconds: float) -> None:
        """Let the server do it; not through a pooler, where others would inherit the limit."""
        if self.session is not None:
            said = f"{round(seconds * 1000)}ms"
            self._connection.execute("SELECT set_config('statement_timeout', %s, false)", [said])

    def drop_after(self, seconds: float) -> None:
        """Set the keepalive of the server's socket: otherwise a machine that has vanished holds its locks for hours."""
        if self.session is not None:
            said = {
                "tcp_keepalives_idle": max(1, round(seconds / 2)),
                "tcp_keepalives_interval": max(1, round(seconds / 6)),
                "tcp_keepalives_count": 3,
                "tcp_user_timeout": round(seconds * 1000),
            }
            for name, value in said.items():
                self._connection.execute("SELECT set_config(%s, %s, false)", [name, str(value)])

    def check(self) -> None:
        """Raise if the server has closed the connection: its socket says so."""
        if readable([self._connection.fileno()], 0):
            self._read()

    def cut(self) -> None:
        """Shut its socket down."""
        with contextlib.suppress(Exception):  # closed already
            shut(self._connection.fileno())

    def forked(self) -> None:
        """Close this process's copy of the socket; the server notices nothing."""
        os.close(self._connection.fileno())

    def _read(self) -> None:
        pgconn = self._connection.pgconn
        pgconn.consume_input()  # raises once the server is gone
        while notification := pgconn.notifies():
            self._hear(notification.extra.decode(errors="replace"))

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, a notification comes, or the time is up."""
        if not self._news and not self._ordered:
            ready = readable([self._connection.fileno(), waker.fileno()], timeout)
            if self._connection.fileno() in ready:
                self._read()
            if waker.fileno() in ready:
                waker.clear()
                return True
        news, self._news = self._news, set()
        self._called |= news
        return bool(news) or self._ordered

    def called(self) -> Collection[str] | None:
        """The queues that notifications have named."""
        called, self._called = self._called, set()
        return called or None

    def ordered(self) -> bool:
        """Whether a notification has said so."""
        ordered, self._ordered = self._ordered, False
        return ordered
