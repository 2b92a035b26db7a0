"""`proletarian migrate`: make the tables, or bring them up to date."""

from __future__ import annotations

import click

from proletarian.cli import exit_codes, options
from proletarian.cli.failures import Failure


@click.command()
@click.argument("database", envvar="PROLETARIAN_DATABASE", metavar="URL")
@click.option("--sql", is_flag=True, help="Print the SQL instead, for Alembic, Flyway or a DBA; no connection is made.")
@click.option("--check", is_flag=True, help="Change nothing; exit with 1 if the tables are behind this release.")
@options.job_ids
@options.prefix
def migrate(database: str, sql: bool, check: bool, job_ids: str, prefix: str | None) -> None:
    """
    Make the tables, or bring them up to date.

    URL is postgresql://…, mysql://… or sqlite:///file.db. With --sql a name is enough:
    postgresql, mysql or sqlite. Safe to run again, and from several places at once.
    """
    if sql and check:
        raise click.UsageError("--sql prints and --check asks the database: use one of them")
    if sql:
        print_sql(database, job_ids, prefix)
    elif check:
        check_tables(database, job_ids, prefix)
    else:
        apply(database, job_ids, prefix)


def print_sql(database: str, job_ids: str, prefix: str | None) -> None:
    """All migrations, as text."""
    from proletarian.migration import migrations, script

    dialect = options.queue_of(prefix, job_ids).dialect(options.kind_named(database))
    click.echo(script(dialect, migrations(dialect)), nl=False)


def check_tables(url: str, job_ids: str, prefix: str | None) -> None:
    """Say what is missing, and fail if something is."""
    from proletarian.database import Database
    from proletarian.drivers.registry import redacted
    from proletarian.migration import missing

    if found := missing(Database(url, options.queue_of(prefix, job_ids))):
        names = ", ".join(f"{migration.number:04} {migration.name}" for migration in found)
        shown = redacted(url)
        raise Failure(
            f"{shown} is behind this release by {names}; run `proletarian migrate {shown}`", exit_codes.FAILED_CHECK
        )
    click.echo("the tables are up to date")


def apply(url: str, job_ids: str, prefix: str | None) -> None:
    """Apply what is missing, and say what that was."""
    from proletarian.migration import migrate as apply_missing

    applied = apply_missing(url, options.queue_of(prefix, job_ids))
    for migration in applied:
        click.echo(f"applied {migration.number:04} {migration.name}")
    if not applied:
        click.echo("nothing to apply: the tables are up to date")
