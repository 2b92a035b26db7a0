"""`proletarian roles`: SQL for database roles that may do no more than they need."""

from __future__ import annotations

import click

from proletarian.cli.context import Context, in_context


@click.command()
@click.argument("place", metavar="[DATABASE]", required=False)
@click.option("--worker", "workers", multiple=True, metavar="NAME", help="The name of a role for workers; repeatable.")
@click.option(
    "--enqueue",
    "enqueuers",
    multiple=True,
    metavar="NAME",
    help="The name of a role for applications that only enqueue jobs; repeatable.",
)
@click.option(
    "--dashboard", "dashboards", multiple=True, metavar="NAME", help="The name of a role for the dashboard; repeatable."
)
@click.option(
    "--look",
    "lookers",
    multiple=True,
    metavar="NAME",
    help="The name of a read-only role for people and monitoring; repeatable.",
)
@in_context
def roles(
    context: Context,
    workers: tuple[str, ...],
    enqueuers: tuple[str, ...],
    dashboards: tuple[str, ...],
    lookers: tuple[str, ...],
) -> None:
    """
    Print SQL that creates roles with no more rights than they need.

    DATABASE is postgresql or mysql, or a URL, as with --database; no connection is made. Run what is printed
    as the owner of the tables, then grant the roles to your logins.
    """
    from proletarian.migration import role_script

    if not (workers or enqueuers or dashboards or lookers):
        raise click.UsageError(
            "name the roles: --worker NAME, --enqueue NAME, --dashboard NAME, --look NAME, or several"
        )
    dialect = context.queue.dialect(context.kind)
    scripts = [role_script(dialect, "worker", name) for name in workers]
    scripts += [role_script(dialect, "enqueue", name) for name in enqueuers]
    scripts += [role_script(dialect, "dashboard", name) for name in dashboards]
    scripts += [role_script(dialect, "look", name) for name in lookers]
    click.echo("\n".join(scripts), nl=False)
