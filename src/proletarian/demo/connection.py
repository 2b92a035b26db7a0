"""The sign-up service's own connection, from any library, as in an application."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote, urlsplit

from proletarian.drivers.registry import family_of


def connect(url: str) -> Any:
    """A DB-API connection that commits when it is told to."""
    kind, _ = family_of(url)
    if kind == "postgresql":
        import psycopg

        return psycopg.connect(f"postgresql://{url.partition('://')[2]}")
    if kind == "mysql":
        import pymysql

        parts = urlsplit(url)
        return pymysql.connect(
            host=parts.hostname or "localhost",
            port=parts.port or 3306,
            user=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password or ""),
            database=unquote(parts.path.lstrip("/")),
        )
    import sqlite3

    return sqlite3.connect(unquote(url.partition(":///")[2].partition("?")[0]), timeout=30)


def placeholder(url: str) -> str:
    """How this library writes a parameter."""
    return "?" if family_of(url)[0] == "sqlite" else "%s"
