"""`proletarian roles`: SQL for database roles that may do no more than they need."""

from __future__ import annotations

import click

from proletarian.cli import options


@click.command()
@click.argument("database", envvar="PROLETARIAN_DATABASE", metavar="DATABASE")
@click.option("--worker", "workers", multiple=True, metavar="NAME", help="The name of a role for workers; repeatable.")
@click.option(
    "--enqueue",
    "enqueuers",
    multiple=True,
    metavar="NAME",
    help="The name of a role for applications that only put jobs in; repeatable.",
)
@options.job_ids
@options.prefix
def roles(
    database: str, workers: tuple[str, ...], enqueuers: tuple[str, ...], job_ids: str, prefix: str | None
) -> None:
    """
    Print SQL that makes roles with no more rights than they need.

    DATABASE is postgresql or mysql, or a URL; no connection is made. Run what is printed
    as the owner of the tables, then grant the roles to your logins.
    """
    from proletarian.migration import role_script

    if not workers and not enqueuers:
        raise click.UsageError("name the roles: --worker NAME, --enqueue NAME, or both")
    dialect = options.queue_of(prefix, job_ids).dialect(options.kind_named(database))
    scripts = [role_script(dialect, "worker", name) for name in workers]
    scripts += [role_script(dialect, "enqueue", name) for name in enqueuers]
    click.echo("\n".join(scripts), nl=False)
