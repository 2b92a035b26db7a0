"""Our SQL migrations as Django operations."""

from __future__ import annotations

from typing import Any

from django.db import connections, router, transaction
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.operations.base import Operation

from proletarian.contrib.django import configuration
from proletarian.contrib.django.router import LABEL
from proletarian.errors import SchemaOutOfDate
from proletarian.migration import migrations as our_migrations
from proletarian.migration import script
from proletarian.queue import Queue
from proletarian.sql.statements import split
from proletarian.sql.tables import TABLES, Tables


def tables_queue() -> Queue:
    """The queue, as far as its tables are concerned; a migration does not import the project's own modules."""
    return Queue(tables=Tables(prefix=configuration.setting("PREFIX")))


def sql_migration(number: int) -> SqlMigration:
    """The SQL migration with this number, for the database that Django migrates."""
    return SqlMigration(number)


class SqlMigration(Operation):  # type: ignore[misc]
    """One of our SQL migrations; reversing the first drops the tables with everything in them."""

    atomic = False  # no transaction of its own: MySQL has none for DDL, and elsewhere the whole migration is one
    reduces_to_sql = True
    reversible = True

    def __init__(self, number: int) -> None:
        self.number = number

    def state_forwards(self, app_label: str, state: Any) -> None:
        """Nothing: the models do not come from here."""

    def database_forwards(self, app_label: str, editor: Any, from_state: Any, to_state: Any) -> None:
        """Apply the migration, or print it for `sqlmigrate`."""
        vendor = editor.connection.vendor
        if not router.allow_migrate(editor.connection.alias, app_label):
            return
        dialect = tables_queue().dialect(vendor)
        chosen = [migration for migration in our_migrations(dialect) if migration.number == self.number]
        for statement in split(script(dialect, chosen)):
            editor.execute(statement, params=None)

    def database_backwards(self, app_label: str, editor: Any, from_state: Any, to_state: Any) -> None:
        """Reverse the first migration; the others need no reversal, because older releases work with newer tables."""
        vendor = editor.connection.vendor
        if self.number > 1 or not router.allow_migrate(editor.connection.alias, app_label):
            return
        for name in TABLES:
            editor.execute(f"DROP TABLE IF EXISTS {tables_queue().tables.name(name, vendor)}", params=None)

    def describe(self) -> str:
        """What `migrate --plan` shows."""
        return f"The tables of background jobs, SQL migration {self.number:04}"


def create_tables(using: str, **_: Any) -> None:
    """
    Create the tables when a `migrate` begins, if the project has switched our migrations off.

    Tests often run without migrations; Django then makes tables from models, and ours make none.
    """
    connection = connections[using]
    is_off = MigrationLoader.migrations_module(LABEL)[0] is None
    if not is_off or not router.allow_migrate(using, LABEL) or has_tables(connection):
        return
    with connection.schema_editor() as editor:
        for migration in our_migrations(tables_queue().dialect(connection.vendor)):
            SqlMigration(migration.number).database_forwards(LABEL, editor, None, None)


def has_tables(connection: Any) -> bool:
    """Whether they are there, as in a test database that is kept."""
    try:
        with transaction.atomic(using=connection.alias):
            tables_queue().pauses(connection)
    except SchemaOutOfDate:
        return False
    return True
