"""
SQLAlchemy 2: Connection, Session, scoped_session and their async twins; SQLModel's too.

Always through SQLAlchemy's own connection, never the driver's below it: SQLAlchemy begins
asyncpg's transaction with its own first statement, so anything inserted below it would survive
a rollback.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.errors import UnknownConnection
from proletarian.sql.statements import Copy, Rows, Statement, Step

DATABASES = {"postgresql": "postgresql", "mysql": "mysql", "mariadb": "mysql", "sqlite": "sqlite"}
BIND_ARGUMENTS = "proletarian_bind_arguments"
WAY_OUT = (
    "pass the connection that the rows use, session.connection(bind_arguments={'mapper': YourModel}), or set it "
    "once for all sessions,"
    f" sessionmaker(…, info={{'{BIND_ARGUMENTS}': {{'mapper': YourModel}}}})"
)
Style = Callable[[Statement], tuple[str, Any]]
# The form that a driver below SQLAlchemy wants, where it is not the usual one for its database.
STYLES: dict[str, Style] = {
    "numeric_dollar": form.numbered,
    "format": form.positional,
}


def formed(dialect: Any, step: Step) -> tuple[str, Any]:
    """The step in the form that the driver below this SQLAlchemy connection wants."""
    if isinstance(step, Copy):
        raise TypeError("SQLAlchemy has no COPY")
    if dialect.name == "sqlite":
        return step.text.named, dict(step.parameters)
    if dialect.name == "postgresql":
        style: Style = STYLES.get(dialect.paramstyle, form.pyformat)
        return style(step)
    text, values = form.hexadecimal(step)
    return text, dict(values)


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step on a blocking Connection."""
    return rows_of(connection.exec_driver_sql(*formed(connection.dialect, step)), step)


def rows_of(result: Any, step: Step) -> Rows:
    """What a step has returned, or how many rows it has changed."""
    if isinstance(step, Statement) and step.text.counts:
        return [(result.rowcount,)]
    rows: Rows = result.fetchall() if result.returns_rows else []
    return rows


def execute_in_session(session: Any, step: Step) -> Rows:
    """Execute one step in a Session's transaction; nothing is flushed."""
    return execute(session.connection(bind_arguments=bind_arguments(session)), step)


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step on an AsyncConnection."""
    return rows_of(await connection.exec_driver_sql(*formed(connection.dialect, step)), step)


async def aexecute_in_session(session: Any, step: Step) -> Rows:
    """Execute one step in an AsyncSession's transaction."""
    return await aexecute(await session.connection(bind_arguments=bind_arguments(session)), step)


def database(connection: Any) -> str:
    """Which kind of database a Connection goes to."""
    return _known(connection.dialect.name)


def database_of_session(session: Any) -> str:
    """Which kind of database a session works with; if it has several, it refuses to guess."""
    from sqlalchemy.exc import UnboundExecutionError

    try:
        return _known(session.get_bind(**bind_arguments(session)).dialect.name)
    except UnboundExecutionError as error:
        raise UnknownConnection(f"this session is not bound to a database: {WAY_OUT}") from error


def bind_arguments(session: Any) -> dict[str, Any]:
    """
    Which of a session's databases jobs go to, as arguments for `Session.connection`; {} if there is only one.

    A default bind does not settle it if there are others: the rows that belong to a job may be
    written through any of them, and a job on another connection is in another transaction.
    """
    session = _plain(session)
    if told := session.info.get(BIND_ARGUMENTS):
        bind = told.get("bind")
        return {**told, "bind": getattr(bind, "sync_engine", bind)} if bind is not None else dict(told)
    binds = _binds(session)
    if len(binds) > 1:
        raise UnknownConnection(f"this session has several binds, and it is not clear which one to use: {WAY_OUT}")
    return {"bind": binds[0]} if binds else {}


def _plain(session: Any) -> Any:
    """The `Session` behind a scoped or async one."""
    session = session.registry() if hasattr(session, "registry") else session
    return getattr(session, "sync_session", session)


def _binds(session: Any) -> list[Any]:
    """All databases that a session may use; [] if it has a single bind, or none."""
    from sqlalchemy.orm import Session

    if session.__class__.get_bind is not Session.get_bind:
        if not session.__class__.get_bind.__module__.startswith("flask_sqlalchemy."):
            raise UnknownConnection(f"this session's get_bind() chooses by what is executed: {WAY_OUT}")
        binds = session._db.engines.values()
    else:
        own = vars(session)
        mapped = own.get("binds") or own.get("_Session__binds")  # SQLAlchemy 2.1, 2.0
        if not mapped:
            return []
        binds = [session.bind, *mapped.values()]
    return list({id(bind): bind for bind in binds if bind is not None}.values())


def _known(name: str) -> str:
    if name not in DATABASES:
        raise UnknownConnection(f"this SQLAlchemy connection is to {name!r}; known: {', '.join(DATABASES)}")
    return DATABASES[name]


def is_closed(connection: Any) -> bool:
    """Whether a Connection was closed."""
    return bool(connection.closed)


def is_two_phase(connection: Any) -> bool:
    """Whether a Connection's transaction was begun with `begin_twophase`; this is the only way for async ones."""
    connection = getattr(connection, "sync_connection", connection)
    return type(connection and connection.get_transaction()).__name__ == "TwoPhaseTransaction"


def is_two_phase_session(session: Any) -> bool:
    """Whether a session prepares its transactions, or is bound to a connection with a two-phase transaction."""
    session = _plain(session)
    bind = session.bind
    return bool(session.twophase) or (hasattr(bind, "get_transaction") and is_two_phase(bind))


def is_alone(connection: Any) -> bool | None:
    """Whether a Connection commits each statement; otherwise the first one begins a transaction."""
    from proletarian.drivers.registry import driver_of

    if database(connection) == "mysql":  # the driver below it knows
        driver = connection.connection.driver_connection
        return driver_of(driver).is_alone(driver)
    level = connection.get_execution_options().get("isolation_level")
    return (level or getattr(connection.dialect, "_on_connect_isolation_level", None)) == "AUTOCOMMIT"


DRIVERS = (
    Driver(
        "sqlalchemy.engine.base.Connection",
        database,
        execute=execute,
        explain=explain,
        is_closed=is_closed,
        is_two_phase=is_two_phase,
        is_alone=is_alone,
    ),
    *(
        Driver(
            name, database_of_session, execute=execute_in_session, explain=explain, is_two_phase=is_two_phase_session
        )
        for name in ("sqlalchemy.orm.session.Session", "sqlalchemy.orm.scoping.scoped_session")
    ),
    Driver(
        "sqlalchemy.ext.asyncio.engine.AsyncConnection",
        database,
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: connection.sync_connection is not None and connection.closed,
        is_two_phase=is_two_phase,
        is_alone=lambda connection: is_alone(connection.sync_connection),
    ),
    *(
        Driver(
            name, database_of_session, aexecute=aexecute_in_session, explain=explain, is_two_phase=is_two_phase_session
        )
        for name in (
            "sqlalchemy.ext.asyncio.session.AsyncSession",
            "sqlalchemy.ext.asyncio.scoping.async_scoped_session",
        )
    ),
)
