"""`proletarian workers`: who works at what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from proletarian.cli import promised, which
from proletarian.cli.connection import looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import count, from_now, print_json, print_table, span

if TYPE_CHECKING:
    from proletarian.looking.surveys import WorkerRecord


@click.command("list")
@which.some
@json_option
@in_context
def list_workers(context: Context, words: tuple[str, ...], as_json: bool) -> None:
    """
    Show each worker: its queues, how many jobs it runs and since when the oldest, and its last sign of life.

    A dead worker is one whose process ended without a stop; another worker is about to take back its jobs.
    FILTER may be worker:web1 (a part of the name, host and process id), queue:mail (a queue that it serves), or
    type:send_* (a type that it knows).
    """
    from proletarian.looking.surveying import list_workers

    chosen = which.narrowed(words, "worker", "queue", "type")
    with looking(context.database) as connection:
        found = connection.run(list_workers(context.queue, context.database.kind, free=connection.free))
    workers = [
        worker
        for worker in found
        if (chosen.worker is None or chosen.worker in worker.worker)
        and any(which.matches(queue, chosen.queue) for queue in worker.queues or [""])
        and (worker.job_types is None or any(which.matches(known, chosen.job_type) for known in worker.job_types))
    ]
    if as_json:
        print_json({"workers": [promised.worker(worker) for worker in workers]})
        return
    print_table(TITLES, [row_of(worker) for worker in workers])
    if not workers:
        click.echo("there are no workers" if not words else "no worker matches", err=True)


TITLES = ("worker", "state", "queues", "running", "longest", "last seen", "started")


def row_of(worker: WorkerRecord) -> list[str]:
    """One line of the list."""
    return [
        worker.worker, "alive" if worker.is_alive else "dead",
        " ".join(f"{queue}={slots}" for queue, slots in worker.queues.items()), count(worker.running),
        from_now(worker.oldest_run).removesuffix(" ago"), f"{span(worker.silent)} ago", from_now(worker.started_at),
    ]  # fmt: skip


@click.group(commands=[list_workers])
def workers() -> None:
    """Show who works."""
