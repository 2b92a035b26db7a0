"""Explains a missing table, column or privilege and what to do about it, whichever library reports it."""

from __future__ import annotations

from proletarian.drivers import psycopg, pymysql, sqlite3
from proletarian.errors import PermissionDenied, SchemaOutOfDate

DEPTH = 4


def explain(error: Exception) -> Exception | None:
    """
    `SchemaOutOfDate` or `PermissionDenied` for an error that means one of these, otherwise None.

    SQLAlchemy keeps the driver's error in `orig`, Django as the cause of its own.
    """
    found: BaseException | None = error
    for _ in range(DEPTH):
        if not isinstance(found, Exception):
            return None
        if better := _of_server(found) or sqlite3.explain(found):
            return better
        found = getattr(found, "orig", None) or found.__cause__
    return None


def _of_server(error: Exception) -> Exception | None:
    first = error.args[0] if error.args else None
    state = getattr(error, "sqlstate", None) or getattr(error, "pgcode", None)
    if isinstance(first, dict):  # pg8000's
        state = first.get("C")
    missing = psycopg.UNDEFINED.get(state) if isinstance(state, str) else None
    number = getattr(error, "errno", None) or pymysql.number(error)
    if state == psycopg.DENIED or number in pymysql.DENIED:
        return PermissionDenied.said(error)
    if number in pymysql.UNDEFINED:
        missing = "table or column"
    if missing:
        return SchemaOutOfDate(f"a {missing} is missing ({error}); run `proletarian migrate URL`")
    return None
