"""The table of drivers: which one a connection or a URL belongs to."""

from __future__ import annotations

import re
from typing import Any, cast

from proletarian.drivers import psycopg, pymysql, sqlite3
from proletarian.drivers.driver import Driver, Family
from proletarian.errors import ConfigurationError, UnknownConnection

_drivers: dict[str, Driver] = {
    driver.connection: driver for module in (psycopg, pymysql, sqlite3) for driver in module.DRIVERS
}
_known: dict[type, Driver] = {}

FAMILIES: dict[str, Family] = {
    "postgresql": cast(Family, psycopg),
    "mysql": cast(Family, pymysql),
    "sqlite": cast(Family, sqlite3),
}


def register_driver(driver: Driver) -> None:
    """
    Teach the library another kind of connection; see the page "Write a driver".

    The newest one registered for a class wins.
    """
    _drivers[driver.connection] = driver
    _known.clear()


def driver_of(connection: Any) -> Driver:
    """The driver of this connection; raises `UnknownConnection` with what to pass instead."""
    kind = type(connection)
    if driver := _known.get(kind):
        return driver
    for parent in kind.__mro__:
        if driver := _drivers.get(f"{parent.__module__}.{parent.__qualname__}"):
            _known[kind] = driver
            return driver
    raise UnknownConnection(f"{_described(connection)}. Known: {', '.join(sorted(_drivers))}")


def _described(connection: Any) -> str:
    name = f"{type(connection).__module__}.{type(connection).__qualname__}"
    if isinstance(connection, str):
        return f"a connection is needed here, not {redacted(connection)!r}: open one, and enqueue in its transaction"
    if "pool" in name.lower() or "engine" in name.lower():
        return f"{name} hands out connections and is none: take one from it, and enqueue in its transaction"
    if "cursor" in name.lower():
        return f"{name} is a cursor: pass its connection"
    return f"no driver knows connections of the type {name}"


def family_of(url: str) -> tuple[str, Family]:
    """Which kind of database a URL names; raises `ConfigurationError` for one that is none."""
    if not isinstance(url, str):
        raise ConfigurationError(f"a database URL is text, such as postgresql://…, not {type(url).__name__}")
    scheme, separator, _ = url.partition("://")
    for database, family in FAMILIES.items():
        if separator and scheme in family.schemes:
            return database, family
    known = ", ".join(f"{family.schemes[0]}://…" for family in FAMILIES.values())
    raise ConfigurationError(f"{redacted(url)!r} is no database URL; it begins with one of: {known}")


def redacted(url: str) -> str:
    """
    A URL that can be shown: without its password.

    >>> redacted("postgresql://app:secret@db/app?password=secret")
    'postgresql://app:***@db/app?password=***'
    """
    url = re.sub(r"(://[^:/@]*:)[^@]*(?=@)", r"\1***", url)
    return re.sub(r"(?i)(passw(?:or)?d=)[^&\s]*", r"\1***", url)
