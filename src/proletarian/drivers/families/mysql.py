"""MySQL and MariaDB by URL: our own connections, with PyMySQL."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from proletarian.drivers.driver import FIRST_ANSWERS, ServerConnection, Waker, readable, shut
from proletarian.drivers.pymysql import execute, number
from proletarian.drivers.pymysql import explain as explain
from proletarian.errors import ConfigurationError
from proletarian.sql.parts import blocks
from proletarian.sql.statements import Rows, Statement, Step, Text, read

if TYPE_CHECKING:
    import pymysql


TOO_LONG = (1969, 3024)  # MariaDB's number, and MySQL's
# Temporary errors of the client (2xxx) and of the server: too many connections (1040 to the
# server, 1203 and 1226 of the account), shutting
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
    1203,
    1205,
    1213,
    1226,
    1290,
    1317,
    1836,
    1927,
    3024,
    3101,
    3572,
)
KEEP = (1180, 1205, 1213, 3572)

schemes = ("mysql", "mariadb", "mysql+pymysql", "mariadb+pymysql")
settling = 15.0
patience = 2.0  # the server keeps the locks of a machine that has vanished


def connect(url: str) -> OwnPyMySQL:
    """Open one of our own connections; options such as `?unix_socket=…` or `ssl_ca=…` are PyMySQL's."""
    parts = urlsplit(url)
    try:
        port = parts.port or 3306
    except ValueError as error:
        raise ConfigurationError("the URL's port is not a number: mysql://user:password@host:3306/database") from error
    options: dict[str, Any] = {
        "host": parts.hostname or "localhost",
        "port": port,
        "user": unquote(parts.username) if parts.username else None,
        "password": unquote(parts.password or ""),
        "database": unquote(parts.path.lstrip("/")) or None,
        "connect_timeout": 10,
    }
    for name, value in parse_qsl(parts.query):
        options[name] = int(value) if value.isdigit() else value
    options["charset"] = "utf8mb4"  # whatever the application's own connections use: jobs hold any text
    if not options["database"]:
        raise ConfigurationError("the URL names no database: mysql://user:password@host:3306/database")
    return opened(**options)


def opened(**options: Any) -> OwnPyMySQL:
    """
    Connect with PyMySQL's own options, in bounded time whatever they say.

    PyMySQL bounds only how long the network takes to connect. A server that accepts and never greets
    would block us forever.
    """
    try:
        import pymysql
    except ImportError as error:
        raise ConfigurationError(f"MySQL needs PyMySQL ({error}): pip install 'proletarian[mysql]'") from error
    given = options.get("read_timeout")
    connection: Any = pymysql.connect(**{**options, "autocommit": True, "read_timeout": given or FIRST_ANSWERS})
    own = OwnPyMySQL(connection)
    connection._read_timeout = given
    return own


# A machine that vanishes while we wait for its answer is noticed within half a minute, as with psycopg.
ALIVE = {"TCP_KEEPIDLE": 10, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3, "TCP_USER_TIMEOUT": 20_000}


def keep_alive(connection: Any) -> None:
    """Make the operating system check whether the server's machine is still there, where it can."""
    sock = getattr(connection, "_sock", None)
    if not isinstance(sock, socket.socket) or sock.family not in (socket.AF_INET, socket.AF_INET6):
        return
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in ALIVE.items():
        if (option := getattr(socket, name, None)) is not None:
            sock.setsockopt(socket.IPPROTO_TCP, option, value)


def is_ended(error: Exception) -> bool:
    """Whether a statement was cancelled because it took too long."""
    return number(error) in TOO_LONG


def is_transient(error: Exception) -> bool:
    """Temporary trouble: no connection, a shutdown, a deadlock, a lock timeout."""
    import pymysql

    code = number(error)
    if isinstance(error, pymysql.err.InterfaceError):
        return True  # the connection is closed
    return isinstance(error, pymysql.err.Error) and (2000 <= code < 3000 or code in PASSING)


def is_error(error: BaseException) -> bool:
    """Whether the driver raised this."""
    import pymysql

    return isinstance(error, pymysql.err.Error)


def is_contended(error: BaseException) -> bool:
    """Whether others hold what this statement wanted; a conflict with another cluster node is a deadlock too."""
    return isinstance(error, Exception) and number(error) in KEEP


class OwnPyMySQL(ServerConnection):
    """A connection to MySQL or MariaDB, READ COMMITTED."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self._connection = connection
        try:
            keep_alive(connection)
            self._set_up(connection)
        except BaseException:
            self.close()
            raise

    def _set_up(self, connection: pymysql.Connection[Any]) -> None:
        for name in ("session", "session_time"):
            self.execute(Statement(Text(blocks(read("mysql/session.sql"))[name])))
        # User-level locks are local to one cluster node, and two workers may be on two nodes.
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
        """Limit the wait for table and row locks; in whole seconds, at least 1."""
        limit = {"seconds": max(1, round(seconds))}
        text = "SET SESSION lock_wait_timeout = :seconds, SESSION innodb_lock_wait_timeout = :seconds"
        self.execute(Statement(Text(text), limit))

    def end_after(self, seconds: float) -> None:
        """Let the server do it: MariaDB counts in seconds, MySQL in milliseconds and only for reads."""
        if "MariaDB" in str(self._connection.get_server_info()):  # type: ignore[no-untyped-call]
            self.execute(Statement(Text("SET SESSION max_statement_time = :limit"), {"limit": seconds}))
        else:
            limit = {"limit": max(1, round(seconds * 1000))}
            self.execute(Statement(Text("SET SESSION max_execution_time = :limit"), limit))

    def check(self) -> None:
        """Raise if the server has closed the connection."""
        self._connection.ping(reconnect=False)

    def cut(self) -> None:
        """Shut its socket down."""
        sock = getattr(self._connection, "_sock", None)
        if isinstance(sock, socket.socket):
            shut(sock.fileno())

    def forked(self) -> None:
        """Close this process's copy of the socket; the server notices nothing."""
        sock = getattr(self._connection, "_sock", None)
        if isinstance(sock, socket.socket):
            sock.close()

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable or the time is up: MySQL has no notifications."""
        if readable([waker.fileno()], timeout):
            waker.clear()
            return True
        return False
