"""`proletarian enqueue`: put one job in by hand."""

from __future__ import annotations

import sys
from typing import Any

import click

from proletarian.cli import options
from proletarian.cli.durations import duration
from proletarian.cli.failures import wrong_usage


@click.command()
@click.argument("job_type", metavar="TYPE")
@click.argument("payload", metavar="[JSON]", default="{}")
@options.database
@click.option("--queue", metavar="NAME", help="The queue to put it in. [default: default]")
@click.option("--in", "process_in", type=duration, help="Run it so much later, as in 90s or 2h. [default: now]")
@click.option("--priority", type=click.IntRange(-32768, 32767), help="A higher one runs sooner. [default: 0]")
@options.job_ids
@options.prefix
def enqueue(
    job_type: str,
    payload: str,
    url: str,
    queue: str | None,
    process_in: float | None,
    priority: int | None,
    job_ids: str,
    prefix: str | None,
) -> None:
    """
    Put one job in, and print its id.

    TYPE is the name of the task, JSON its payload: an object with its parameters, as in
    '{"account_id": 42}'; - reads it from stdin. Whether the payload fits its task is seen
    when the job runs: only the application knows that.
    """
    from proletarian.database import Database
    from proletarian.job import NewJob

    settings = options.queue_of(prefix, job_ids)
    database = Database(url, settings)
    job = NewJob(
        job_type,
        parsed(sys.stdin.read() if payload == "-" else payload),
        queue=queue,
        process_in=process_in,
        priority=priority,
    )
    stored = database.run(database.dialect.enqueue(settings.row(job, database.dialect), None))
    click.echo(settings.job_ids.decode(database.dialect.loaded_id(stored)))


def parsed(text: str) -> Any:
    """A payload from its JSON."""
    import json

    try:
        return json.loads(text, parse_constant=refused)
    except ValueError as error:
        raise wrong_usage(f"the payload is not JSON: {error}; it is {text[:60]!r}") from None


def refused(constant: str) -> Any:
    """JSON has neither NaN nor infinities, though Python reads them."""
    raise ValueError(f"{constant} is no JSON value")
