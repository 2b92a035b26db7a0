"""`proletarian status`: how full the queues are, who works, and whether all is well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import exit_codes, promised, which
from proletarian.cli.checking import problems
from proletarian.cli.connection import looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import count, print_json, print_table, span, utc
from proletarian.cli.queues import paused

if TYPE_CHECKING:
    from proletarian.looking.surveys import QueueStats, WorkerRecord

MOST = 100_000  # counting stops here, so that a look at ten million jobs is quick


@click.command()
@which.some
@click.option("--check", is_flag=True, help="Report problems, and exit with 1 if there are any.")
@click.option("--late", type=duration, help="With --check: the longest time that a due job may wait, as in 5m.")
@click.option(
    "--workers", "needed", type=click.IntRange(0), help="With --check: the number of workers that must be alive."
)
@json_option
@in_context
def status(
    context: Context,
    words: tuple[str, ...],
    check: bool,
    late: float | None,
    needed: int | None,
    as_json: bool,
) -> None:
    """
    Show each queue and each worker, or check them.

    For each queue: how many jobs wait, how many of them are due, how many are running and have failed
    for good, how many live workers serve it, and how long the oldest due job has been waiting.
    Counts stop at 100,000. Also shows which queues are paused, by whom, and why. FILTER may name queues: queue:mail.

    --check prints a sentence for each problem: no live worker serves a queue whose jobs are due; with --late, jobs
    have been due for longer; with --workers, fewer are alive.
    """
    if not check and (late is not None or needed is not None):
        raise click.UsageError("--late and --workers are only for --check: use them with it")
    from proletarian.looking.surveying import list_workers, queue_stats

    chosen = which.narrowed(words, "queue")
    with looking(context.database) as connection:
        found = connection.run(queue_stats(context.queue, context.database.kind, most=MOST, free=connection.free))
        workers = connection.run(list_workers(context.queue, context.database.kind, free=connection.free))
    queues = [one for one in found if which.matches(one.queue, chosen.queue)]
    if chosen.queue is not None:
        workers = [one for one in workers if any(which.matches(name, chosen.queue) for name in one.queues)]
    wrong = problems(queues, workers, late=late, needed=needed or 0) if check else []
    if as_json:
        said = json_of(queues, workers)
        print_json({"ok": not wrong, "problems": wrong, **said} if check else said)
    elif check:
        click.echo("\n".join(wrong) if wrong else "ok")
    else:
        show(queues, workers)
    if wrong:
        click.get_current_context().exit(exit_codes.FAILED_CHECK)


def json_of(queues: Sequence[QueueStats], workers: Sequence[WorkerRecord]) -> dict[str, Any]:
    """What `--json` prints."""
    return {
        "queues": [queue_of(one) for one in queues],
        "workers": [worker_of(one) for one in workers],
        "paused": [promised.pause(one.pause) for one in queues if one.pause is not None],
        "counted_up_to": MOST,
    }


def queue_of(stats: QueueStats) -> dict[str, Any]:
    """One queue, in short."""
    return {
        "queue": stats.queue,
        "waiting": stats.waiting,
        "due": stats.due,
        "running": stats.running,
        "failed": stats.failed,
        "workers": stats.workers,
        "oldest_due_seconds": promised.seconds(stats.late),
    }


def worker_of(worker: WorkerRecord) -> dict[str, Any]:
    """One worker, in short."""
    return {
        "worker": worker.worker,
        "queues": slots_of(worker),
        "alive": worker.is_alive,
        "started_at": promised.time(worker.started_at),
        "seen_seconds_ago": round(worker.silent, 1),
    }


def slots_of(worker: WorkerRecord) -> str:
    """The queues that a worker serves, as they were given to it."""
    return " ".join(f"{queue}={slots}" for queue, slots in worker.queues.items())


def show(queues: Sequence[QueueStats], workers: Sequence[WorkerRecord]) -> None:
    """Two tables for people."""
    print_table(
        ["queue", "waiting", "due", "running", "failed", "workers", "oldest due"],
        [[one.queue, *map(count, (one.waiting, one.due, one.running, one.failed, one.workers)), span(one.late)]
         for one in queues],
    )  # fmt: skip
    if not queues:
        click.echo("no jobs")
    for one in queues:
        if not one.workers and one.waiting:
            click.echo(f"! no live worker serves {one.queue!r}")
    for one in queues:
        if one.pause is not None:
            click.echo(f"! {one.queue!r} has been paused {paused(one.pause)}")
    alive = sum(worker.is_alive for worker in workers)
    click.echo(f"\n{alive} worker{'' if alive == 1 else 's'} alive")
    print_table(
        ["worker", "queues", "state", "last seen", "started"],
        [[one.worker, slots_of(one), "alive" if one.is_alive else "dead", f"{span(one.silent)} ago",
          utc(one.started_at)] for one in workers],
    )  # fmt: skip
