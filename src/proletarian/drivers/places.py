"""
Where a database is, in the form that an application already has: a URL, an SQLAlchemy Engine, a Django alias.

A worker opens its own connections. `place_of` finds out how, so that nobody has to write
the same address twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from proletarian.drivers.driver import OwnConnection
from proletarian.drivers.families import mysql, postgresql, sqlite
from proletarian.drivers.registry import family_of, readable, redacted
from proletarian.errors import ConfigurationError

DJANGO = "django://"
ENGINES = ("sqlalchemy.engine.base.Engine", "sqlalchemy.ext.asyncio.engine.AsyncEngine")
URL = "sqlalchemy.engine.url.URL"
# asyncpg's names for what follows the question mark, and libpq's names for the same.
LIBPQ = {"ssl": "sslmode", "sslmode": "sslmode", "timeout": "connect_timeout", "host": "host", "port": "port",
         "user": "user", "password": "password", "database": "dbname"}  # fmt: skip
SSL_MODES = {"true": "require", "false": "disable"}
PYMYSQL = (
    "user", "password", "host", "port", "database", "unix_socket", "charset", "init_command", "sql_mode",
    "connect_timeout", "read_timeout", "write_timeout", "read_default_file", "read_default_group", "ssl", "ssl_ca",
    "ssl_cert", "ssl_key", "ssl_disabled", "ssl_verify_cert", "ssl_verify_identity",
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """How to show a database, which kind it is, how to open our own connection to it, and how to create it."""

    url: str
    database: str
    connect: Callable[[], OwnConnection]
    create: Callable[[], None] = lambda: None  # for a database that is just a file


def is_place(where: Any) -> bool:
    """
    Whether this says where a database is, and is not a connection to it.

    >>> is_place("sqlite:///jobs.db"), is_place(object())
    (True, False)
    """
    return isinstance(where, str) or bool(_names(where) & {*ENGINES, URL})


def _names(thing: Any) -> set[str]:
    return {f"{kind.__module__}.{kind.__qualname__}" for kind in type(thing).__mro__}


def place_of(where: Any) -> Place:
    """
    The place that a URL, an Engine or a Django alias names; raises `ConfigurationError`.

    >>> place_of("postgresql+asyncpg://app@db/app?ssl=require&command_timeout=5").url
    'postgresql://app@db/app?sslmode=require'
    """
    if isinstance(where, str):
        return _of_django(where.removeprefix(DJANGO)) if where.startswith(DJANGO) else _of_url(where)
    names = _names(where)
    if names & set(ENGINES):
        return _of_engine(where)
    if URL in names:
        return _of_url(where.render_as_string(hide_password=False))
    if "django.db.backends.base.base.BaseDatabaseWrapper" in names:
        return _of_django(where.alias)
    kind = type(where)
    raise ConfigurationError(
        f"to open its own connections it needs a URL (postgresql://…, django://alias) or an SQLAlchemy Engine, not a"
        f" {kind.__module__}.{kind.__qualname__}"
    )


def _of_url(url: str) -> Place:
    plain = readable(plain_url(url))
    database, family = family_of(plain)
    if database == "sqlite":
        return _of_file(plain)
    return Place(plain, database, lambda: family.connect(plain))


def _of_file(url: str) -> Place:
    return Place(url, "sqlite", lambda: sqlite.connect(url), lambda: sqlite.create(url))


def plain_url(url: str) -> str:
    """An SQLAlchemy URL in the form that our own drivers read; other URLs as they are."""
    scheme, separator, rest = url.partition("://")
    database, plus, driver = scheme.partition("+")
    if not separator or not plus or scheme in (*postgresql.schemes, *mysql.schemes):
        return url
    address, question, query = rest.partition("?")
    if not question:
        return f"{database}://{address}"
    given = dict(parse_qsl(query))
    if database == "sqlite":
        if given.get("uri"):
            raise ConfigurationError(f"{url!r} opens SQLite by a file: URI; a worker needs a path: sqlite:///jobs.db")
        kept: dict[str, str] = {}
    elif driver == "psycopg2":
        kept = given
    elif database in ("postgresql", "postgres"):
        kept = {LIBPQ[name]: value for name, value in given.items() if name in LIBPQ}
        if mode := kept.get("sslmode"):
            kept["sslmode"] = SSL_MODES.get(mode.lower(), mode)
    else:
        kept = {name: value for name, value in given.items() if name in PYMYSQL and name != "ssl"}
    lost = [name for name in given if "ssl" in name and LIBPQ.get(name, name) not in kept]
    if lost and database != "sqlite":
        raise ConfigurationError(
            f"{min(lost)!r} in {redacted(url)!r} is {driver}'s and cannot be translated: give the worker its own URL"
        )
    return f"{database}://{address}" + (f"?{urlencode(kept, quote_via=quote)}" if kept else "")


def _of_engine(engine: Any) -> Place:
    """
    Through the engine itself if its driver is ours, so that `connect_args`, a `creator` and
    events are used; otherwise by its URL.
    """
    engine = getattr(engine, "sync_engine", engine)
    url = engine.url.render_as_string(hide_password=False)
    if engine.dialect.is_async or engine.dialect.driver not in ("psycopg", "pymysql"):
        return _of_url(url)
    database, _ = family_of(plain_url(url))

    def connect() -> OwnConnection:
        # Our own pool, made like the engine's: a worker's connections do not use up the engine's pool.
        fairy = engine.pool.recreate().connect()
        connection = fairy.driver_connection
        fairy.detach()
        connection.rollback()
        if database == "postgresql":
            connection.autocommit = True
            return postgresql.OwnPsycopg(connection)
        connection.autocommit(True)
        return mysql.OwnPyMySQL(connection)

    return Place(plain_url(url), database, connect)


def _of_django(alias: str) -> Place:
    try:
        from django.db import connections
        from django.utils.connection import ConnectionDoesNotExist
    except ImportError as error:
        raise ConfigurationError(f"{DJANGO}{alias} needs Django ({error})") from error
    try:
        wrapper = connections[alias]
    except ConnectionDoesNotExist as error:
        raise ConfigurationError(f"Django has no database {alias!r}: see DATABASES in its settings") from error
    url = f"{DJANGO}{alias}"
    if wrapper.vendor == "sqlite":
        path = str(wrapper.settings_dict["NAME"])
        if wrapper.is_in_memory_db() or path.startswith("file:"):
            raise ConfigurationError(
                f"Django's database {alias!r} is {path!r}, but a worker has its own connections and needs a file. "
                f"Tests keep SQLite in memory by default; use a file with"
                f" DATABASES[{alias!r}]['TEST'] = "
                "{'NAME': 'test.sqlite3'}; proletarian.testing's drain(connection, project_tasks()) needs none"
            )
        return replace(_of_file(f"sqlite:///{quote(path)}"), url=url)
    if wrapper.vendor == "postgresql":
        role = wrapper.settings_dict["OPTIONS"].get("assume_role")
        return Place(url, "postgresql", lambda: _psycopg(wrapper.get_connection_params(), role))
    if wrapper.vendor == "mysql":
        return Place(url, "mysql", lambda: _pymysql(wrapper.get_connection_params()))
    raise ConfigurationError(
        f"Django's database {alias!r} is {wrapper.vendor}; workers need PostgreSQL, MySQL or SQLite"
    )


def _psycopg(given: Mapping[str, Any], role: str | None) -> OwnConnection:
    import psycopg as library

    own = {name: value for name, value in given.items() if name not in ("cursor_factory", "context")}
    connection = library.connect(**{**postgresql.DEFAULTS, **own, "autocommit": True})
    if role is not None:
        connection.execute(library.sql.SQL("SET ROLE {}").format(library.sql.Identifier(role)))
    return postgresql.OwnPsycopg(connection)


def _pymysql(given: Mapping[str, Any]) -> OwnConnection:
    renamed = {{"db": "database", "passwd": "password"}.get(name, name): value for name, value in given.items()}
    if "ssl_mode" in renamed and not renamed.get("ssl"):
        raise ConfigurationError("'ssl_mode' in Django's OPTIONS is mysqlclient's; use 'ssl': {'ca': …}")
    options = {name: value for name, value in renamed.items() if name in PYMYSQL}
    return mysql.opened(**{"connect_timeout": 10, **options})
