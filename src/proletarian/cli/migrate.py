"""`proletarian migrate`: create the tables, or bring them up to date."""

from __future__ import annotations

import click

from proletarian.cli import exit_codes
from proletarian.cli.context import Context, in_context
from proletarian.cli.failures import Failure


@click.command()
@click.argument("place", metavar="[URL]", required=False)
@click.option("--sql", is_flag=True, help="Print the SQL instead, for Alembic, Flyway or a DBA; no connection is made.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if the tables are behind this release.")
@in_context
def migrate(context: Context, sql: bool, check: bool) -> None:
    """
    Create the tables, or bring them up to date.

    URL is postgresql://…, mysql://… or sqlite:///file.db, as with --database. With --sql a name
    is enough: postgresql, mysql or sqlite. Safe to run again, and from several places at once.
    """
    if sql and check:
        raise click.UsageError("--sql only prints and --check asks the database: use one of them")
    if sql:
        print_sql(context)
    elif check:
        check_tables(context)
    else:
        apply(context)


def print_sql(context: Context) -> None:
    """Print all migrations."""
    from proletarian.migration import migrations, script

    dialect = context.queue.dialect(context.kind)
    click.echo(script(dialect, migrations(dialect)), nl=False)


def check_tables(context: Context) -> None:
    """Say what is missing, and fail if anything is."""
    from proletarian.drivers.registry import redacted
    from proletarian.migration import missing

    if found := missing(context.database):
        names = ", ".join(f"{migration.number:04} {migration.name}" for migration in found)
        shown = redacted(context.database.url)
        raise Failure(
            f"{shown} is behind this release by {names}; run `{context.migrate_command}`", exit_codes.FAILED_CHECK
        )
    click.echo("the tables are up to date")


def apply(context: Context) -> None:
    """Apply what is missing, and say what it was."""
    from proletarian.migration import bring_up_to_date

    applied = bring_up_to_date(context.database)
    for migration in applied:
        click.echo(f"applied {migration.number:04} {migration.name}")
    if not applied:
        click.echo("nothing to apply: the tables are up to date")
