"""
SQLAlchemy 2: Connection, Session, scoped_session and their async twins; SQLModel's too.

Always through SQLAlchemy's own connection, never the driver's below it: SQLAlchemy begins
asyncpg's transaction at its first own statement, so what went in underneath would stay
after a rollback.
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
Style = Callable[[Statement], tuple[str, Any]]
# Which form a driver below SQLAlchemy wants, where it is not its database's usual one.
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
    result = connection.exec_driver_sql(*formed(connection.dialect, step))
    return result.fetchall() if result.returns_rows else []


def execute_in_session(session: Any, step: Step) -> Rows:
    """Execute one step in a Session's transaction; nothing is flushed."""
    return execute(session.connection(), step)


async def aexecute(connection: Any, step: Step) -> Rows:
    """Execute one step on an AsyncConnection."""
    result = await connection.exec_driver_sql(*formed(connection.dialect, step))
    return result.fetchall() if result.returns_rows else []


async def aexecute_in_session(session: Any, step: Step) -> Rows:
    """Execute one step in an AsyncSession's transaction."""
    return await aexecute(await session.connection(), step)


def database(connection: Any) -> str:
    """Which database a Connection is to."""
    return _known(connection.dialect.name)


def database_of_session(session: Any) -> str:
    """Which database a session works with; one of several cannot be guessed."""
    from sqlalchemy.exc import UnboundExecutionError

    try:
        return _known(session.get_bind().dialect.name)
    except UnboundExecutionError as error:
        raise UnknownConnection(
            "this session has no database of its own (several binds, or none): pass the connection that it uses, "
            "session.connection(bind_arguments={'mapper': YourModel})"
        ) from error


def _known(name: str) -> str:
    if name not in DATABASES:
        raise UnknownConnection(f"this SQLAlchemy connection is to {name!r}; known: {', '.join(DATABASES)}")
    return DATABASES[name]


def is_closed(connection: Any) -> bool:
    """Whether a Connection was closed."""
    return bool(connection.closed)


DRIVERS = (
    Driver("sqlalchemy.engine.base.Connection", database, execute=execute, explain=explain, is_closed=is_closed),
    *(
        Driver(name, database_of_session, execute=execute_in_session, explain=explain)
        for name in ("sqlalchemy.orm.session.Session", "sqlalchemy.orm.scoping.scoped_session")
    ),
    Driver(
        "sqlalchemy.ext.asyncio.engine.AsyncConnection",
        database,
        aexecute=aexecute,
        explain=explain,
        is_closed=lambda connection: connection.sync_connection is not None and connection.closed,
    ),
    *(
        Driver(name, database_of_session, aexecute=aexecute_in_session, explain=explain)
        for name in (
            "sqlalchemy.ext.asyncio.session.AsyncSession",
            "sqlalchemy.ext.asyncio.scoping.async_scoped_session",
        )
    ),
)
