"""`proletarian demo`: see the promise kept, on a database of your choice."""

from __future__ import annotations

import click

from proletarian.cli import exit_codes


@click.command()
@click.argument("database", metavar="[URL]", required=False)
@click.pass_context
def demo(ctx: click.Context, database: str | None) -> None:
    """
    Watch jobs survive a killed worker.

    A sign-up service puts in accounts, and a confirmation mail for each in the same
    transaction. Two workers deliver the mails to a real mail server; one of them is killed
    in the middle. At the end everything is counted.

    Runs on a SQLite file of its own, or on the database at URL: it makes the tables if they
    are missing, uses a queue of its own, and refuses to run beside jobs that are waiting.
    """
    from proletarian.demo.show import run

    if not run(database):
        ctx.exit(exit_codes.FAILED_CHECK)
