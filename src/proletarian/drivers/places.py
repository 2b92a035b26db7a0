"""
Where a database is, as an application already says it: a URL, an SQLAlchemy Engine, a Django alias.

A worker opens connections of its own. `place_of` finds out how, so that nobody has to write
the same address twice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

from proletarian.drivers import psycopg, pymysql, sqlite3
from proletarian.drivers.driver import OwnConnection
from proletarian.drivers.registry import family_of, redacted
from proletarian.errors import ConfigurationError

DJANGO = "django://"
ENGINES = ("sqlalchemy.engine.base.Engine", "sqlalchemy.ext.asyncio.engine.AsyncEngine")
# What stands behind the question mark for asyncpg, in libpq's words.
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
    """How to show it, which kind of database it is, how to open a connection of our own to it, how to make it."""

    url: str
    database: str
    connect: Callable[[], OwnConnection]
    create: Callable[[], None] = lambda: None  # for a database that is nothing but a file


def place_of(where: Any) -> Place:
    """
    The place that a URL, an Engine or a Django alias names; raises `ConfigurationError`.

    >>> place_of("postgresql+asyncpg://app@db/app?ssl=require&command_timeout=5").url
    'postgresql://app@db/app?sslmode=require'
    """
    if isinstance(where, str):
        return _of_django(where.removeprefix(DJANGO)) if where.startswith(DJANGO) else _of_url(where)
    names = {f"{kind.__module__}.{kind.__qualname__}" for kind in type(where).__mro__}
    if names & set(ENGINES):
        return _of_engine(where)
    if "sqlalchemy.engine.url.URL" in names:
        return _of_url(where.render_as_string(hide_password=False))
    if "django.db.backends.base.base.BaseDatabaseWrapper" in names:
        return _of_django(where.alias)
    kind = type(where)
    raise ConfigurationError(
        f"connections of its own are opened by a URL (postgresql://…, django://alias) or an SQLAlchemy Engine, "
        f"not by a {kind.__module__}.{kind.__qualname__}"
    )


def _of_url(url: str) -> Place:
    plain = plain_url(url)
    database, family = family_of(plain)
    if database == "sqlite":
        return _of_file(plain)
    return Place(plain, database, lambda: family.connect(plain))


def _of_file(url: str) -> Place:
    return Place(url, "sqlite", lambda: sqlite3.connect(url), lambda: sqlite3.create(url))


def plain_url(url: str) -> str:
    """A URL of SQLAlchemy's as our own drivers read it; others as they are."""
    scheme, separator, rest = url.partition("://")
    database, plus, driver = scheme.partition("+")
    if not separator or not plus or scheme in (*psycopg.schemes, *pymysql.schemes):
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
            f"{min(lost)!r} in {redacted(url)!r} is {driver}'s and cannot be carried over: "
            "give the worker a URL of its own"
        )
    return f"{database}://{address}" + (f"?{urlencode(kept)}" if kept else "")


def _of_engine(engine: Any) -> Place:
    """
    Through the engine itself where its driver is ours, so that `connect_args`, a `creator` and
    events count; by its URL otherwise.
    """
    engine = getattr(engine, "sync_engine", engine)
    url = engine.url.render_as_string(hide_password=False)
    if engine.dialect.is_async or engine.dialect.driver not in ("psycopg", "pymysql"):
        return _of_url(url)
    database, _ = family_of(plain_url(url))

    def connect() -> OwnConnection:
        # A pool of our own, made like the engine's: a worker's connections are no guests in it.
        fairy = engine.pool.recreate().connect()
        connection = fairy.driver_connection
        fairy.detach()
        connection.rollback()
        if database == "postgresql":
            connection.autocommit = True
            return psycopg.OwnPsycopg(connection)
        connection.autocommit(True)
        return pymysql.OwnPyMySQL(connection)

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
        return replace(_of_file(f"sqlite:///{path}"), url=url)
    if wrapper.vendor == "postgresql":
        return Place(url, "postgresql", lambda: _psycopg(wrapper.get_connection_params()))
    if wrapper.vendor == "mysql":
        return Place(url, "mysql", lambda: _pymysql(wrapper.get_connection_params()))
    raise ConfigurationError(
        f"Django's database {alias!r} is {wrapper.vendor}; workers need PostgreSQL, MySQL or SQLite"
    )


def _psycopg(given: Mapping[str, Any]) -> OwnConnection:
    import psycopg as library

    from proletarian.drivers.psycopg import DEFAULTS, OwnPsycopg

    own = {name: value for name, value in given.items() if name not in ("cursor_factory", "context")}
    return OwnPsycopg(library.connect(**{**DEFAULTS, **own, "autocommit": True}))


def _pymysql(given: Mapping[str, Any]) -> OwnConnection:
    import pymysql as library

    renamed = {{"db": "database", "passwd": "password"}.get(name, name): value for name, value in given.items()}
    if "ssl_mode" in renamed and not renamed.get("ssl"):
        raise ConfigurationError("'ssl_mode' in Django's OPTIONS is mysqlclient's; say it with 'ssl': {'ca': …}")
    options = {name: value for name, value in renamed.items() if name in PYMYSQL}
    return pymysql.OwnPyMySQL(library.connect(**{"connect_timeout": 10, **options, "autocommit": True}))
