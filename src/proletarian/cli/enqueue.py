"""`proletarian enqueue`: enqueue one job by hand."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli.application import similar
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.failures import wrong_usage

if TYPE_CHECKING:
    from proletarian.task import Task
    from proletarian.tasks import Tasks


@click.command()
@click.argument("job_type", metavar="TYPE")
@click.argument("payload", metavar="[JSON]", default="{}")
@click.option("--queue", metavar="NAME", help="The queue for the job. [default: that of the task]")
@click.option("--in", "process_in", type=duration, help="Run it this long from now, as in 90s or 2h. [default: now]")
@click.option(
    "--priority",
    type=click.IntRange(-32768, 32767),
    help="Jobs with a higher priority run first. [default: that of the task]",
)
@in_context
def enqueue(
    context: Context,
    job_type: str,
    payload: str,
    queue: str | None,
    process_in: float | None,
    priority: int | None,
) -> None:
    """
    Enqueue one job, and print its id.

    TYPE is the name of the task, JSON its payload: an object with its parameters, as in
    '{"account_id": 42}'; - reads it from stdin. With --app, the payload is checked against the
    task, and its queue and priority are the task's; a type that the application does not know
    is enqueued with a warning, because it may belong to another release. Without --app, nothing
    is checked until the job runs, and the queue is the default one.
    """
    from proletarian.job import NewJob
    from proletarian.sql import enqueueing

    value = parsed(sys.stdin.read() if payload == "-" else payload)
    if (task := task_named(job_type, context.tasks)) is not None:
        task.parameters.unpack(value)  # raises PayloadError if it does not fit
        queue = task.options.queue if queue is None else queue
        priority = task.options.priority if priority is None else priority
    settings, database = context.queue, context.database
    job = NewJob(job_type, value, queue=queue, process_in=process_in, priority=priority)
    stored = database.run(enqueueing.enqueue(database.dialect, settings.row(job, database.dialect), None))
    click.echo(settings.job_ids.decode(database.dialect.loaded_id(stored)))


def task_named(job_type: str, tasks: Tasks | None) -> Task[..., Any] | None:
    """The task of this type; prints a warning if the application has none."""
    if tasks is None or (task := tasks.find(job_type)) is not None:
        return None if tasks is None else task
    click.echo(
        f"Warning: the application has no task {job_type!r}{similar(job_type, tasks)}; "
        "workers let jobs of an unknown type wait for an hour, then archive them as failed",
        err=True,
    )
    return None


def parsed(text: str) -> Any:
    """A payload from its JSON."""
    import json

    try:
        return json.loads(text, parse_constant=refused)
    except ValueError as error:
        raise wrong_usage(f"the payload is not JSON: {error}; it is {text[:60]!r}") from None


def refused(constant: str) -> Any:
    """Refuse NaN and infinities, which JSON does not have, although Python reads them."""
    raise ValueError(f"{constant} is not JSON value")
