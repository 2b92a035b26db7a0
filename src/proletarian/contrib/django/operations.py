"""Our SQL migrations as operations of Django's."""

from __future__ import annotations

from typing import Any

from django.db import migrations

from proletarian.contrib.django import configuration
from proletarian.migration import migrations as our_migrations
from proletarian.migration import script
from proletarian.queue import Queue
from proletarian.sql.statements import split
from proletarian.sql.tables import Tables

TABLES = ("job", "running_job", "archived_job", "worker")


def tables_queue() -> Queue:
    """The queue as far as its tables go; the project's own modules are not imported for a migration."""
    return Queue(tables=Tables(prefix=configuration.setting("PREFIX")))


def sql_migration(number: int) -> migrations.RunPython:
    """The SQL migration of this number, for whichever database Django migrates."""

    def forward(_: Any, editor: Any) -> None:
        dialect = tables_queue().dialect(editor.connection.vendor)
        chosen = [migration for migration in our_migrations(dialect) if migration.number == number]
        for statement in split(script(dialect, chosen)):
            editor.execute(statement, params=None)

    # Not in a transaction of its own: MySQL has none for DDL, and elsewhere the migration is one.
    return migrations.RunPython(forward, backward if number == 1 else migrations.RunPython.noop, atomic=False)


def backward(_: Any, editor: Any) -> None:
    """Back to before the first: the tables go, and what is in them."""
    vendor = editor.connection.vendor
    tables = tables_queue().tables
    for name in (*TABLES, "migration"):
        editor.execute(f"DROP TABLE IF EXISTS {tables.name(name, vendor)}", params=None)
