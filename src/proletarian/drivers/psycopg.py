"""psycopg 3, blocking and async: PostgreSQL."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from proletarian.drivers import copytext, cursors
from proletarian.drivers.driver import Driver, ServerConnection, Waker, readable
from proletarian.errors import ConfigurationError, SchemaOutOfDate
from proletarian.sql.statements import Copy, Rows, Statement, Step, Text

if TYPE_CHECKING:
    import psycopg

UNDEFINED = {"42P01": "table", "42703": "column", "3F000": "schema"}


def explain(error: Exception) -> Exception | None:
    """A missing table or column, in words that say what to do."""
    missing = UNDEFINED.get(getattr(error, "sqlstate", None) or "")
    if missing:
        return SchemaOutOfDate(f"a {missing} is missing ({error}); run `proletarian migrate URL`")
    return None


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step on a blocking connection."""
    ours = cursors.take(connection)
    cursor = ours.cursor
    if isinstance(step, Copy):
        # A row that cannot be made ends the COPY with an error; the savepoint keeps that from the
        # caller's transaction. (One is open, by the statement before, unless they want autocommit.)
        with connection.transaction(), cursor.copy(copytext.command(step)) as copy:
            for block in copytext.blocks(step.rows):
                copy.write(block)
        return []
    cursor.execute(*ours.spelled(step))
    if gives_rows(cursor, step):
        rows: Rows = cursor.fetchall()
        return rows
    cursors.keep(connection, ours, step)
    return []


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step on an async connection."""
    ours = cursors.take(connection)
    cursor = ours.cursor
    if isinstance(step, Copy):
        async with connection.transaction(), cursor.copy(copytext.command(step)) as copy:
            for block in copytext.blocks(step.rows):
                await copy.write(block)
        return []
    await cursor.execute(*ours.spelled(step))
    if gives_rows(cursor, step):
        rows: Rows = await cursor.fetchall()
        return rows
    cursors.keep(connection, ours, step)
    return []


def gives_rows(cursor: Any, step: Statement) -> bool:
    """
    Whether there is something to fetch; `description` says so too, and makes an object for each column.

    In a pipeline there is no result yet: an insert stays in it, and what has an answer is waited for.
    """
    result = cursor.pgresult
    return step.text.answers if result is None else result.nfields > 0


def is_closed(connection: Any) -> bool:
    """Whether it was closed."""
    return bool(connection.closed)


DRIVERS = (
    Driver("psycopg.Connection", "postgresql", execute=execute, copies=True, explain=explain, is_closed=is_closed),
    Driver(
        "psycopg.AsyncConnection", "postgresql", aexecute=aexecute, copies=True, explain=explain, is_closed=is_closed
    ),
)

# The family: connections of the worker's own.

schemes = ("postgresql", "postgres", "postgresql+psycopg")
settling = 15.0

# Noticing a dead network within half a minute; a URL may say otherwise.
DEFAULTS = {
    "application_name": "proletarian",
    "connect_timeout": "10",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "20000",
}


# Times come as text that sorts. And plans are fixed: tables that fill and empty within a second
# have statistics that are always wrong, and an acknowledgement was seen to read `running_job`
# whole, a thousand times over, at a fifth of the speed. Every statement of ours has its index.
# Small tables are read whole all the same, at a cost that the planner then believes to be huge;
# JIT, on by default, would compile each such statement for a quarter of a second.
SESSION = """
SET timezone TO 'UTC';
SET datestyle TO 'ISO';
SET enable_seqscan TO off;
SET plan_cache_mode TO force_generic_plan;
SET jit TO off
"""


def connect(url: str) -> OwnPsycopg:
    """Open a connection of the worker's own."""
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
)


def is_transient(error: Exception) -> bool:
    """Trouble of the moment: no connection, a shutdown, a deadlock, a full disk, a standby that is no primary yet."""
    import psycopg
    from psycopg import errors

    # No such role, password or database: time does not mend that. While connecting, psycopg
    # tells only in words which error it was.
    final = (errors.InvalidAuthorizationSpecification, errors.InvalidCatalogName)
    if isinstance(error, final) or any(words in str(error) for words in REFUSED):
        return False
    return isinstance(error, (psycopg.OperationalError, errors.ReadOnlySqlTransaction))


def leave_as_text(connection: psycopg.Connection[Any]) -> None:
    """Have ids and times read as text: of a thousand claimed rows hardly any is ever looked at."""
    from psycopg.types.string import TextLoader

    for kind in ("timestamptz", "uuid"):
        connection.adapters.register_loader(kind, TextLoader)


class OwnPsycopg(ServerConnection):
    """A connection to PostgreSQL, with its notifications and advisory locks."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection
        leave_as_text(connection)
        self._cursor = connection.cursor()
        self._notified = False
        # Behind a pooler the server process is not the one that we think we talk to, and may be
        # another one for each transaction: no lock, no notification can be trusted then.
        [(pid,)] = self.execute(Statement(Text("SELECT pg_backend_pid()")))
        self.session = pid if pid == connection.info.backend_pid else None
        if self.session is None:
            connection.prepare_threshold = None
        else:
            connection.execute(SESSION)
        self.notifies = self.session is not None
        connection.add_notify_handler(self._on_notify)

    def _on_notify(self, _: object) -> None:
        self._notified = True

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
        """Wait no longer for a lock; not through a pooler, where others would inherit it."""
        if self.session is not None:
            self._connection.execute("SELECT set_config('lock_timeout', %s, false)", [f"{round(seconds * 1000)}ms"])

    def check(self) -> None:
        """Raise if the server has closed the connection: its socket says so."""
        if readable([self._connection.fileno()], 0):
            self._read()

    def forked(self) -> None:
        """Close this process's copy of the socket; the server notices nothing."""
        os.close(self._connection.fileno())

    def _read(self) -> None:
        pgconn = self._connection.pgconn
        pgconn.consume_input()  # raises once the server is gone
        while pgconn.notifies():
            self._notified = True

    def wait(self, waker: Waker, timeout: float) -> bool:
        """Sleep until the waker is readable, a notification comes, or time is over."""
        if not self._notified:
            ready = readable([self._connection.fileno(), waker.fileno()], timeout)
            if self._connection.fileno() in ready:
                self._read()
            if waker.fileno() in ready:
                waker.clear()
                return True
        notified, self._notified = self._notified, False
        return notified
