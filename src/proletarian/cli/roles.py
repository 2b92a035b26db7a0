"""`proletarian roles`: the SQL that gives database users no more rights than they need."""

from __future__ import annotations

import click

from proletarian.cli import options


@click.command()
@click.argument("database", envvar="PROLETARIAN_DATABASE", metavar="DATABASE")
@click.option("--worker", "workers", multiple=True, metavar="NAME", help="A user that workers connect as; repeatable.")
@click.option(
    "--enqueue",
    "enqueuers",
    multiple=True,
    metavar="NAME",
    help="A user of an application that only puts jobs in; repeatable.",
)
@options.job_ids
@options.prefix
def roles(
    database: str, workers: tuple[str, ...], enqueuers: tuple[str, ...], job_ids: str, prefix: str | None
) -> None:
    """
    Print SQL that grants database users the least they need.

    DATABASE is postgresql or mysql, or a URL; no connection is made. Run what is printed
    as the owner of the tables, for users that exist.
    """
    from proletarian.migration import role_script

    if not workers and not enqueuers:
        raise click.UsageError("name the users: --worker NAME, --enqueue NAME, or both")
    dialect = options.queue_of(prefix, job_ids).dialect(options.kind_named(database))
    scripts = [role_script(dialect, "worker", name) for name in workers]
    scripts += [role_script(dialect, "enqueue", name) for name in enqueuers]
    click.echo("\n".join(scripts), nl=False)
