"""The table of drivers: which one a connection or a URL belongs to."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any, cast

from proletarian.drivers.driver import Driver, Family
from proletarian.drivers.families import mysql, postgresql, sqlite
from proletarian.errors import ConfigurationError, UnknownConnection

# Which of our modules knows a library, by the first part of its classes' module names; it is
# imported when a connection of that library is first used.
LIBRARIES = {
    "MySQLdb": "mysqlclient",
    "aiomysql": "aiomysql",
    "aiosqlite": "aiosqlite",
    "asyncmy": "aiomysql",
    "asyncpg": "asyncpg",
    "django": "django",
    "mariadb": "mariadb",
    "mysql": "mysql_connector",
    "peewee": "peewee",
    "psycopg": "psycopg",
    "psycopg2": "psycopg2",
    "pymysql": "pymysql",
    "sqlalchemy": "sqlalchemy",
    "sqlite3": "sqlite3",
    "tortoise": "tortoise",
}
_drivers: dict[str, Driver] = {}  # registered drivers, by the name of the class
_known: dict[type, Driver] = {}

FAMILIES: dict[str, Family] = {
    "postgresql": cast(Family, postgresql),
    "mysql": cast(Family, mysql),
    "sqlite": cast(Family, sqlite),
}


def register_driver(driver: Driver) -> None:
    """
    Add support for another kind of connection; see the page "Write a driver".

    The driver registered last for a class is used, even instead of a built-in one.
    """
    _drivers[driver.connection] = driver
    _known.clear()


def driver_of(connection: Any) -> Driver:
    """The driver for this connection; raises `UnknownConnection`, which says what to pass instead."""
    if driver := _known.get(type(connection)):
        return driver
    for layer in layers(connection):
        if driver := _known.get(layer) or driver_for(layer):
            _known[layer] = driver
            return driver
    raise UnknownConnection(f"{described(connection)}. Known libraries: {', '.join(sorted(LIBRARIES))}")


def layers(connection: Any) -> Iterator[type]:
    """The class of a connection, then, if it is a proxy, the class of what it stands for."""
    yield type(connection)
    if connection.__class__ is not type(connection):  # as wrapt's proxies pretend
        yield connection.__class__
    inner = inspect.getattr_static(type(connection), "__wrapped__", None) or vars_of(connection).get("__wrapped__")
    if inner is not None and (wrapped := getattr(connection, "__wrapped__", None)) is not None:
        yield from layers(wrapped)


def vars_of(connection: Any) -> dict[str, Any]:
    """An object's own attributes, if it has any."""
    return getattr(connection, "__dict__", {})


def driver_for(kind: type) -> Driver | None:
    """The driver for connections of a class or of one of its base classes."""
    for parent in kind.__mro__:
        name = f"{parent.__module__}.{parent.__qualname__}"
        if name in _drivers:
            return _drivers[name]
        if library := LIBRARIES.get(name.partition(".")[0]):
            for driver in import_module(f"proletarian.drivers.{library}").DRIVERS:
                if driver.connection == name:
                    return cast(Driver, driver)
    return None


def described(connection: Any) -> str:
    """What is wrong with an object that is not a connection, and what to pass instead."""
    kind = connection.__class__
    name = f"{kind.__module__}.{kind.__qualname__}"
    lower = name.lower()
    if isinstance(connection, str):
        return f"a connection is needed here, not {redacted(connection)!r}: open one, and enqueue in its transaction"
    if "sessionmaker" in lower:
        return f"{name} makes sessions but is not one: call it, and enqueue in the session's transaction"
    if lower.startswith("tortoise."):
        return f"{name} has no transaction: pass what `async with in_transaction() as connection` yields"
    if name == "django.db.utils.ConnectionHandler":
        return f"{name} holds connections but is not one: pass one of them, connections['default']"
    if "pool" in lower or "engine" in lower:
        return f"{name} hands out connections but is not one: take one from it, and enqueue in its transaction"
    if inspect.isawaitable(connection):
        return f"{name} has not been awaited yet: its result is the connection"
    if "cursor" in lower:
        return f"{name} is a cursor: pass its connection"
    return f"no driver knows connections of the type {name}"


def family_of(url: str) -> tuple[str, Family]:
    """Which kind of database a URL names; raises `ConfigurationError` for an invalid one."""
    if not isinstance(url, str):
        raise ConfigurationError(f"a database URL is text, such as postgresql://…, not {type(url).__name__}")
    scheme, separator, _ = url.partition("://")
    for database, family in FAMILIES.items():
        if separator and scheme in family.schemes:
            return database, family
    known = ", ".join(f"{family.schemes[0]}://…" for family in FAMILIES.values())
    raise ConfigurationError(f"{redacted(url)!r} is not a database URL; it begins with one of: {known}")


def readable(url: str) -> str:
    """
    A server URL that every library reads the same way: an `@` in the password becomes `%40`.

    libpq takes the first `@` as the end of the password, and then shows the rest of it as a
    host that it cannot find. Raises `ConfigurationError` for a `/`, `?` or `#` in the password.

    >>> readable("postgresql://app:s@cret@db/app")
    'postgresql://app:s%40cret@db/app'
    """
    scheme, separator, rest = url.partition("://")
    if not separator or scheme in FAMILIES["sqlite"].schemes or "@" not in rest:
        return url
    account, at, host = _authority(rest).rpartition("@")
    if not at and "@" in re.split(r"\?(?=\w+=)", rest)[0]:
        raise ConfigurationError(
            f"the password in {redacted(url)!r} contains / ? or #, which have a meaning in a URL: write them as"
            " %2F, %3F and %23"
        )
    return f"{scheme}://{account.replace('@', '%40')}{at}{host}{rest[len(_authority(rest)) :]}"


def _authority(rest: str) -> str:
    """The part before the path: `user:password@host:port`."""
    return re.split(r"[/?#]", rest, maxsplit=1)[0]


def redacted(url: str) -> str:
    """
    A URL that can be shown: without its password, whatever characters that contains.

    >>> redacted("postgresql://app:secret@db/app?password=secret")
    'postgresql://app:***@db/app?password=***'
    >>> redacted("postgresql://app:s@cr/et@db/app")
    'postgresql://app:***@db/app'
    """
    head, *query = re.split(r"(?=\?\w+=)", url, maxsplit=1)
    if "@" not in head and "@" in url:  # the password looks like a query
        head, query = url, []
    shown = re.sub(r"(://[^:/@]*:).*(?=@)", r"\1***", head, flags=re.DOTALL) + "".join(query)
    return re.sub(r"(?i)(passw(?:or)?d=)[^&\s]*", r"\1***", shown)
