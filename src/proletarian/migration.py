"""
The tables: numbered SQL files per database, applied once each.

    proletarian migrate URL           applies what is missing
    proletarian migrate --sql URL     prints it, for Alembic, Flyway or a DBA
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from proletarian.connections.database import Database, require_schema
from proletarian.drivers.driver import OwnConnection
from proletarian.errors import ConfigurationError, SchemaOutOfDate
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.schema import id_type
from proletarian.sql.statements import Plan, Statement, Text, split
from proletarian.sql.tables import make_schema
from proletarian.sql.transactions import begin, commit

LOCK_TIMEOUT = 2  # seconds
TRIES = 30


@dataclass(frozen=True, slots=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    sql: str = field(repr=False)


def migrations(dialect: Dialect) -> list[Migration]:
    """All migrations for this kind of database, fitted to the queue's tables and job ids."""
    folder = files("proletarian.sql").joinpath("migrations", dialect.name)
    named = [(re.fullmatch(r"(\d{4})_(\w+)\.sql", file.name), file) for file in folder.iterdir()]
    found = [
        Migration(int(match[1]), match[2], dialect.fitted(file.read_text(encoding="utf-8")))
        for match, file in named
        if match
    ]
    return sorted(found, key=lambda migration: migration.number)


def newest(dialect: Dialect) -> int:
    """The number of the last migration that this release has."""
    return migrations(dialect)[-1].number


def applied(connection: OwnConnection, database: Database) -> int | None:
    """The number of the last migration that the database has; None without tables."""
    try:
        rows = connection.execute(latest(database.dialect))
    except Exception as error:
        better = database.explained(error)
        if isinstance(better, SchemaOutOfDate):
            return None
        raise better from error
    return rows[0][0] if rows else None


def check_schema(connection: OwnConnection, database: Database) -> None:
    """Raise `SchemaOutOfDate`, with what to do, unless the tables fit this release."""
    require_schema(database, applied(connection, database), newest(database.dialect))
    check_ids(connection, database)


def missing(database: Database) -> list[Migration]:
    """The migrations that a database has not had yet."""
    try:
        connection = database.connect()
    except SchemaOutOfDate:  # a file that does not exist yet
        return migrations(database.dialect)
    try:
        version = applied(connection, database) or 0
    finally:
        connection.close()
    return [migration for migration in migrations(database.dialect) if migration.number > version]


def bookkeeping(dialect: Dialect) -> str:
    """SQL that creates the table that records migrations."""
    table = dialect.tables.name("migration", dialect.name)
    schema = dialect.tables.schema(dialect.name) if dialect.name == "postgresql" else None
    create_schema = f"{make_schema(schema)}\n\n" if schema else ""
    return f"""{create_schema}CREATE TABLE IF NOT EXISTS {table} (
    number     INTEGER NOT NULL PRIMARY KEY,
    name       VARCHAR(191) NOT NULL,
    applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP
);
"""


def script(dialect: Dialect, chosen: list[Migration]) -> str:
    """SQL that applies these migrations and records them."""
    table = dialect.tables.name("migration", dialect.name)
    parts = [bookkeeping(dialect).rstrip()]
    for migration in chosen:
        parts.append(f"-- {migration.number:04} {migration.name}\n\n{migration.sql.strip()}")
        parts.append(f"INSERT INTO {table} (number, name) VALUES ({migration.number}, '{migration.name}');")
    return "\n\n".join(parts) + "\n"


def migrate(where: Any, queue: Queue | None = None) -> list[Migration]:
    """
    Create the tables, or bring them up to date; returns the migrations that were applied.

    Safe to call again, and from several places at once: existing tables are left alone. Raises `DatabaseUnavailable`,
    and `ConfigurationError` when the tables belong to job ids of another type than the queue's.
    """
    return bring_up_to_date(Database(where, queue))


def bring_up_to_date(database: Database) -> list[Migration]:
    """The same for a database that is already known."""
    database.create()
    connection = database.connect()
    try:
        if applied(connection, database) == newest(database.dialect):
            check_ids(connection, database)
            return []
        return in_short_spells(connection, database)
    except Exception as error:
        raise database.explained(error) from error
    finally:
        connection.close()


def in_short_spells(connection: OwnConnection, database: Database) -> list[Migration]:
    """
    Apply what is missing; if others hold a lock, wait for it only briefly at a time.

    An ALTER TABLE that waits makes every enqueue wait behind it.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return connection.run(upgrade(database))
        except Exception as error:
            if not database.family.is_contended(error) or attempt == TRIES or not connection.recover(error):
                raise
            time.sleep(min(0.1 * attempt, 2))


def upgrade(database: Database) -> Plan[list[Migration]]:
    """Apply what is missing, one process at a time, in one transaction if the database can."""
    dialect = database.dialect
    yield from begin(dialect)  # on SQLite this is the lock, because there is one writer
    for statement in LOCKS.get(database.kind, ()):
        yield Statement(Text(statement))
    for statement in split(bookkeeping(dialect)):
        yield Statement(Text(statement))
    rows = yield latest(dialect)
    chosen = [migration for migration in migrations(dialect) if migration.number > (rows[0][0] or 0)]
    for statement in split(script(dialect, chosen)):
        yield Statement(Text(statement))
    yield from commit(dialect)
    return chosen


LOCKS = {
    "postgresql": (
        "SELECT pg_advisory_xact_lock(hashtext('proletarian migrate'))",
        f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'",
    ),
    "mysql": (
        "SELECT GET_LOCK(CONCAT('proletarian migrate ', LEFT(SHA2(DATABASE(), 256), 16)), 60)",
        f"SET SESSION lock_wait_timeout = {LOCK_TIMEOUT}",
    ),
}


def latest(dialect: Dialect) -> Statement:
    """A query for the number of the last migration that was applied."""
    return Statement(Text(f"SELECT max(number) FROM {dialect.tables.name('migration', dialect.name)}"))


def check_ids(connection: OwnConnection, database: Database) -> None:
    """Raise `ConfigurationError` if the tables hold job ids of another type than the queue's."""
    dialect = database.dialect
    found = connection.run(id_type(dialect))
    expected = dialect.parts["ID"]
    found = found and found.strip('"')  # as PostgreSQL writes it if it quotes all identifiers
    if found and not found.upper().startswith(expected):
        raise ConfigurationError(
            f"the tables in {database!r} hold job ids of the type {found}, and this queue's are {expected}: use the "
            f"job id strategy that they were made for, or tables with another name"
        )


def role_script(dialect: Dialect, part: str, name: str) -> str:
    """
    SQL that grants one role only what it needs.

    `part` is "worker", "dashboard", "enqueue" for an application that may only enqueue jobs, or "look" for read-only
    users.
    """
    if dialect.name == "sqlite":
        raise ConfigurationError("SQLite has no roles: anybody who can write to the file can do everything")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", name):
        raise ConfigurationError(f"{name!r} cannot name a role here: letters, digits and _")
    source = files("proletarian.sql").joinpath("roles", dialect.name, f"{part}.sql").read_text(encoding="utf-8")
    text = dialect.fitted(source).replace("proletarian_role", name)
    schema = dialect.tables.schema(dialect.name)
    return re.sub(r"SCHEMA proletarian\b", f"SCHEMA {schema}", text) if schema else text
