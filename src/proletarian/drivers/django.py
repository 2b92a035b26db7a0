"""Django: `connections[alias]`, and `connection`, which stands for the default one."""

from __future__ import annotations

from typing import Any

from proletarian.drivers import form
from proletarian.drivers.driver import Driver
from proletarian.drivers.explanation import explain
from proletarian.errors import SchemaOutOfDate, UnknownConnection
from proletarian.sql.statements import Copy, Rows, Step

DATABASES = ("postgresql", "mysql", "sqlite")


def execute(connection: Any, step: Step) -> Rows:
    """Execute one step with Django's own cursor: it joins `atomic()`, logs, and translates errors."""
    if isinstance(step, Copy):
        raise TypeError("no COPY through Django's cursor")
    text, values = (form.hexadecimal if connection.vendor == "mysql" else form.pyformat)(step)
    with connection.cursor() as cursor:
        cursor.execute(text, values)
        if step.text.counts:
            return [(cursor.rowcount,)]
        rows: Rows = cursor.fetchall() if cursor.description else []
        return rows


def database(connection: Any) -> str:
    """Which kind of database it connects to."""
    vendor: str = connection.vendor
    if vendor not in DATABASES:
        raise UnknownConnection(f"this Django connection is to {vendor!r}; known: {', '.join(DATABASES)}")
    return vendor


def is_alone(connection: Any) -> bool | None:
    """
    Whether its next statement would be a transaction by itself: outside `atomic()`.

    Somebody may have begun one in SQL, and on MySQL another START TRANSACTION would commit it: only the server knows.
    """
    if not connection.get_autocommit():
        return False
    return None if connection.vendor == "mysql" else True


def explained(error: Exception) -> Exception | None:
    """`explain`, except that Django's own command creates the tables."""
    better = explain(error)
    return better.advising("manage.py migrate") if isinstance(better, SchemaOutOfDate) else better


DRIVERS = tuple(
    Driver(name, database, execute=execute, explain=explained, is_alone=is_alone)
    for name in ("django.db.backends.base.base.BaseDatabaseWrapper", "django.utils.connection.ConnectionProxy")
)
