"""PyMySQL: MySQL and MariaDB."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from proletarian.drivers.driver import Driver, ServerConnection, Waker, readable
from proletarian.errors import ConfigurationError, SchemaOutOfDate
from proletarian.sql.statements import Copy, Rows, Statement, Step, Text, blocks, read

if TYPE_CHECKING:
    import pymysql

# What the server says when something is missing: table, column, database.
UNDEFINED = (1146, 1054)
# Errors of the client's own (2xxx) and of the server that pass: too many connections, shutting
# down, lock time-out, deadlock (1180 under Group Replication), read-only or not in the cluster
# at the moment, killed.
PASSING = (
    1040,
    1053,
    1047,
    1152,
    1158,
    1159,
    1160,
    1161,
    1180,
    1205,
    1213,
    1290,
    1317,
    1836,
    1927,
    3024,
    3101,
    3572,
)
KEEP = (1180, 1205, 1213, 3572)


def number(error: Exception) -> int:
    """The error's number, 0 if it has none."""
    first = error.args[0] if error.args else 0
    return first if isinstance(first, int) else 0


def explain(error: Exception) -> Exception | None:
    """A missing table or column, in words that say what to do."""
    if number(error) in UNDEFINED:
        return SchemaOutOfDate(f"a table or column is missing ({error.args[1]}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step, whatever cursor class the connection's owner likes."""
    from pymysql.cursors import Cursor

    if isinstance(step, Copy):
        raise TypeError("MySQL has no COPY")
    with connection.cursor(Cursor) as cursor:
        cursor.execute(step.text.pyformat, step.parameters)
        rows: Rows = cursor.fetchall()
        return rows


DRIVERS = (
    Driver(
        "pymysql.connections.Connection",
        "mysql",
        execute=execute,
        explain=explain,
        is_closed=lambda connection: not connection.open,
    ),
)

# The family: connections of our own.

schemes = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
settling = 15.0


def connect(url: str) -> OwnPyMySQL:
    """Open a connection of our own; options such as `?unix_socket=…` or `ssl_ca=…` are PyMySQL's."""
    try:
        import pymysql
    except ImportError as error:
        raise ConfigurationError(f"MySQL needs PyMySQL ({error}): pip install 'proletarian[mysql]'") from error
    parts = urlsplit(url)
    try:
        port = parts.port or 3306
    except ValueError as error:
        raise ConfigurationError("the URL's port is no number: mysql://user:password@host:3306/database") from error
    options: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")) or None,
        "charset": "utf8mb4",
        "connect_timeout": 10,
    }
    for name, value in parse_qsl(parts.query):
        options[name] = int(value) if value.isdigit() else value
    if not options["database"]:
        raise ConfigurationError("the URL names no database: mysql://user:password@host:3306/database")
    return OwnPyMySQL(pymysql.connect(autocommit=True, **options))


def is_transient(error: Exception) -> bool:
    """Trouble of the moment: no connection, a shutdown, a deadlock, a lock time-out."""
    import pymysql

    code = number(error)
    if isinstance(error, pymysql.err.InterfaceError):
        return True  # the connection is closed
    return isinstance(error, pymysql.err.Error) and (2000 <= code < 3000 or code in PASSING)


class OwnPyMySQL(ServerConnection):
    """A connection to MySQL or MariaDB, READ COMMITTED."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        for name in ("session", "session_time"):
            self.execute(Statement(Text(blocks(read("mysql.sql"))[name])))
        # User-level locks are local to one node of a cluster, and two workers may be on two nodes.
        clustered = self._variable("wsrep_on") == "ON" or bool(self._variable("group_replication_group_name"))
        self.session = None if clustered else int(connection.thread_id())  # type: ignore[no-untyped-call]

    def _variable(self, name: str) -> str:
        rows = self.execute(Statement(Text("SHOW GLOBAL VARIABLES LIKE :name"), {"name": name}))
        return str(rows[0][1]) if rows else ""

    def execute(self, step: Step) -> Rows:
        """Execute one step."""
        return execute(self._connection, step)

    def close(self) -> None:
        """Close it; never raises."""
        import pymysql

        try:
            self._connection.close()
        except (pymysql.err.Error, OSError):
            return  # it was closed already

    def recover(self, error: Exception) -> bool:
        """Roll back after an error; False if the connection has to be replaced."""
        if number(error) not in KEEP:
            return False
        try:
            self._connection.rollback()
        except Exception:  # noqa: BLE001 (whatever it is: the connection is replaced)
            return False
        return True

    def wait_at_most(self, seconds: float) -> None:
        """Wait no longer for a lock, of a table or of a row; in whole seconds, 1 at least."""
        limit = {"seconds": max(1, round(seconds))}
        text = "SET SESSION lock_wait_timeout = :seconds, SESSION innodb_lock_wait_timeout = :seconds"
        self.execute(Statement(Text(text), limit))

    def check(self) -> None:
        """Raise if the server has closed the connection."""
        self._connection.ping(reconnect=False)

    def forked(self) -> None:
        """Close this process's copy of the socket; the server notices nothing."""
        sock = getattr(self._connection, "_sock", None)
        if isinstance(sock, socket.socket):
            sock.close()

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable or time is over: MySQL has no notifications."""
        if readable([waker.fileno()], timeout):
            waker.clear()
            return True
        return False
