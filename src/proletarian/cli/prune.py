"""`proletarian prune`: delete what has been in the archive long enough."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import click

from proletarian.cli import which
from proletarian.cli.acts import batches
from proletarian.cli.asking import agreed, changes
from proletarian.cli.audited import Deed, audited
from proletarian.cli.audited import by as by_option
from proletarian.cli.connection import connected, in_transaction, looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import print_json, several

if TYPE_CHECKING:
    from proletarian.filters import JobFilter

STATES = {"succeeded": ("succeeded",), "failed": ("failed", "cancelled")}


@click.command()
@which.some
@click.option(
    "--succeeded", type=duration, metavar="AGE", help="Delete jobs that succeeded longer ago than this, as in 7d."
)
@click.option(
    "--failed", type=duration, metavar="AGE", help="Delete jobs that failed or were cancelled longer ago than this."
)
@changes
@by_option
@json_option
@in_context
def prune(
    context: Context,
    words: tuple[str, ...],
    succeeded: float | None,
    failed: float | None,
    by: str,
    yes: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """
    Delete archived jobs that ended long ago, in small batches, so that nobody has to wait.

    Workers do this themselves with --keep-succeeded and --keep-failed. FILTER narrows it down: queue:mail type:send_*.
    """
    from proletarian.control.steering import delete_jobs

    ages = {name: age for name, age in (("succeeded", succeeded), ("failed", failed)) if age is not None}
    if not ages:
        raise click.UsageError("give their age: --succeeded 7d, --failed 30d, or both")
    chosen = which.narrowed(words, "queue", "type", "tag", "error", "worker")
    if dry_run or not yes:
        number = counted(context, chosen, ages)
        if dry_run:
            if as_json:
                print_json({"dry_run": "prune", "count": number, "at_least": []})
            else:
                click.echo(f"would delete {several(number, 'archived job')}")
            return
        agreed(f"delete {several(number, 'archived job')}", number, yes=yes)
    done, database = 0, context.database
    with connected(database) as connection:
        for old in of_ages(chosen, ages):
            deed = Deed(by, "prune jobs", str(old))
            for some in batches(context, connection, old):
                done += in_transaction(
                    database,
                    connection,
                    lambda: audited(database.dialect, deed, delete_jobs(context.queue, database.kind, some), int),  # noqa: B023
                )
    if as_json:
        print_json({"deleted": done})
    else:
        click.echo(f"deleted {several(done, 'job')}")


def of_ages(chosen: JobFilter, ages: Mapping[str, float]) -> list[JobFilter]:
    """Filters for jobs that ended in these states and are old enough."""
    return [replace(chosen, state=STATES[name], until=timedelta(seconds=age)) for name, age in ages.items()]


def counted(context: Context, chosen: JobFilter, ages: Mapping[str, float]) -> int:
    """Count them: the whole archive is read, bit by bit."""
    with looking(context.database) as connection:
        return sum(len(some.job_id) for old in of_ages(chosen, ages) for some in batches(context, connection, old))
