"""
Our tables in an Alembic project: created and dropped by its own revisions, and left alone by autogenerate.

    def upgrade() -> None:
        upgrade_tables(op, to=1)

    def downgrade() -> None:
        drop_tables(op)

All of this runs on Alembic's own connection, in its own transaction, or is printed by `--sql`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proletarian.drivers.sqlalchemy import database, execute
from proletarian.errors import ConfigurationError, ProletarianError
from proletarian.migration import bookkeeping, latest, migrations, script
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.dialects import DIALECTS
from proletarian.sql.statements import Plan, Statement, Text, run, split
from proletarian.sql.tables import TABLES, Tables

# Of a name (of a table, for example), what kind of thing it names, and the names of what that belongs to.
IncludeName = Callable[[str | None, Any, Any], bool]


def upgrade_tables(op: Any, *, to: int, since: int = 0, queue: Queue | None = None) -> None:
    """
    Bring the tables to our migration number `to`, in your own revision; existing tables are left alone.

    `op` is Alembic's. `to` is a number that `proletarian migrate --sql` shows, written out so that your revision always
    does the same. `since` is the number that your previous revision had (0: none): `--sql` cannot ask the database, and
    writes what comes after it. `queue` is needed where your `Queue` has other tables or job ids than the default.

    Raises `ConfigurationError` for a number that this release does not have.

        upgrade_tables(op, to=1)              # in the first revision
        upgrade_tables(op, since=1, to=2)     # in a later one
    """
    dialect = dialect_of(op, queue)
    known = migrations(dialect)
    if not 0 <= since <= to <= known[-1].number or to < 1:
        raise ConfigurationError(
            f"the migrations of this release are 1 to {known[-1].number}: there is no way from {since} to {to}"
        )
    wanted = [migration for migration in known if since < migration.number <= to]
    if op.get_context().as_sql:
        write(op, script(dialect, wanted))
        return

    def plan() -> Plan[None]:
        yield from say(bookkeeping(dialect))
        rows = yield latest(dialect)
        done = rows[0][0] or 0
        missing = [migration for migration in known if done < migration.number <= to]
        yield from say(script(dialect, missing))

    carry_out(op, plan())


def drop_tables(op: Any, *, force: bool = False, queue: Queue | None = None) -> None:
    """
    Drop the tables, and the archive with them: the downgrade of the first revision with our tables.

    Raises `ProletarianError` while jobs are waiting or running, unless `force` says that they may be lost. `--sql`
    cannot check this; it writes a comment instead. A schema stays, because it may hold more than our tables. `queue` is
    as for `upgrade_tables`.

    A later revision needs no downgrade: write `pass`, because older releases work with newer tables.

        drop_tables(op)
    """
    dialect = dialect_of(op, queue)
    names = {table: dialect.tables.name(table, dialect.name) for table in TABLES}
    drops = "".join(f"DROP TABLE IF EXISTS {name};\n" for name in names.values())
    job, running = names["job"], names["running_job"]
    if op.get_context().as_sql:
        asked = "" if force else f"-- No jobs must be in {job} or {running}: they would be lost.\n\n"
        write(op, asked + drops)
        return

    def plan() -> Plan[None]:
        yield from say(bookkeeping(dialect))
        rows = yield latest(dialect)
        if rows[0][0] is not None and not force:
            if dialect.name == "postgresql":  # where DDL is transactional, nobody can enqueue a job after our look
                yield from say(f"LOCK TABLE {job}, {running} IN ACCESS EXCLUSIVE MODE;\n")
            [[waiting, runs]] = yield Statement(
                Text(f"SELECT (SELECT count(*) FROM {job}), (SELECT count(*) FROM {running})")
            )
            if waiting or runs:
                raise ProletarianError(
                    f"{waiting} jobs wait in {job} and {runs} run in {running}: let workers finish them, or use "
                    f"drop_tables(op, force=True) to lose them"
                )
        yield from say(drops)

    carry_out(op, plan())


def without_our_tables(queue: Queue | None = None, *, also: IncludeName | None = None) -> IncludeName:
    """
    Keep autogenerate from dropping our tables, which are not in your metadata.

    Returns what `context.configure(include_name=…)` takes in `env.py`. `also` is an `include_name` of your own: a name
    must pass both. `queue` is as for `upgrade_tables`.

    >>> include_name = without_our_tables()
    >>> include_name("proletarian_job", "table", {"schema_name": None})
    False
    >>> include_name("account", "table", {"schema_name": None})
    True
    """
    tables = Tables() if queue is None else queue.tables
    ours = {tables.name(table, kind) for table in TABLES for kind in DIALECTS}

    def include_name(name: str | None, type_: Any, parents: Any) -> bool:
        schema = parents.get("schema_name")
        full = f"{schema}.{name}" if schema else name
        if type_ == "table" and (full in ours or f"public.{full}" in ours):
            return False
        return also is None or also(name, type_, parents)

    return include_name


def dialect_of(op: Any, queue: Queue | None) -> Dialect:
    """The dialect of our SQL for the database that Alembic migrates."""
    return (queue or Queue()).dialect(database(op.get_context()))


def say(text: str) -> Plan[None]:
    """Execute each statement of one of our scripts."""
    for statement in split(text):
        yield Statement(Text(statement))


def carry_out(op: Any, plan: Plan[None]) -> None:
    """Carry out a plan on Alembic's connection."""
    connection = op.get_bind()
    run(plan, lambda step: execute(connection, step))


def write(op: Any, text: str) -> None:
    """Add SQL to what `--sql` prints."""
    op.get_context().impl.static_output(text)
