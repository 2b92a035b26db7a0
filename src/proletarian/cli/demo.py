"""`proletarian demo`: watch the promise being kept, on a database of your choice."""

from __future__ import annotations

import click

from proletarian.cli import exit_codes


@click.command()
@click.argument("database", metavar="[URL]", required=False)
@click.option("--web", "shows", is_flag=True, help="Show a dashboard of a shop's jobs instead, until Ctrl-C.")
@click.option("--port", default=7070, show_default=True, type=click.IntRange(0, 65535), help="The dashboard's port.")
@click.option("--open/--no-open", "opens", default=True, help="Open the dashboard in a browser, from a terminal.")
@click.pass_context
def demo(ctx: click.Context, database: str | None, shows: bool, port: int, opens: bool) -> None:
    """
    Watch jobs survive a killed worker.

    A sign-up service creates accounts, and a confirmation mail for each in the same
    transaction. Two workers deliver the mails to a real mail server; one of them is killed
    halfway. At the end everything is counted.

    Runs on its own SQLite file, or on the database at URL: it creates the tables if they
    are missing, uses its own queue, and refuses to run if jobs are waiting.

    --web fills such a database with the live jobs, failures and schedules of a shop, and shows the
    dashboard (pip install 'proletarian[web]').
    """
    if shows:
        from proletarian.demo import dashboard

        dashboard.run(database, port=port, opens=opens, say=click.echo)
        return
    from proletarian.demo.show import run

    if not run(database):
        ctx.exit(exit_codes.FAILED_CHECK)
