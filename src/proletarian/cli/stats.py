"""`proletarian stats`: how much is done, how much waits, and what fails; once or continuously."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import promised, which
from proletarian.cli.connection import looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import count, in_one_line, print_json, print_table, several, span
from proletarian.cli.queues import paused

if TYPE_CHECKING:
    from proletarian.drivers.driver import OwnConnection
    from proletarian.filters import JobFilter
    from proletarian.looking.surveys import FailureGroup, Minute, QueueStats, WorkerRecord

MINUTES = 60
MOST = 100_000
MOST_IN_A_MINUTE = 1_000
MOST_GROUPED = 500
GROUPS = 5  # of failures that people are shown
CLEAR = "\x1b[H\x1b[2J"


@dataclass(frozen=True)
class Seen:
    """One look."""

    minutes: Sequence[Minute]
    queues: Sequence[QueueStats]
    workers: Sequence[WorkerRecord]
    failures: Sequence[FailureGroup]


@click.command()
@which.some
@click.option(
    "--watch", is_flag=False, flag_value="2s", type=duration, metavar="[SECONDS]",
    help="Refresh every 2 seconds, or every N seconds, until Ctrl-C.",
)  # fmt: skip
@json_option
@in_context
def stats(context: Context, words: tuple[str, ...], watch: float | None, as_json: bool) -> None:
    """
    Show how much was done in the last hour, how much waits, who works, and what failed in that hour.

    FILTER may name queues: queue:mail. With --watch and --json, it prints one document per line.
    """
    chosen = which.narrowed(words, "queue")
    with looking(context.database) as connection:
        while True:
            seen = look(context, connection, chosen)
            if as_json:
                show_json(seen, as_line=watch is not None)
            else:
                if watch is not None and sys.stdout.isatty():
                    click.echo(CLEAR, nl=False)
                show(seen)
            if watch is None:
                return
            if not as_json and not sys.stdout.isatty():
                click.echo("")
            time.sleep(max(0.1, watch))


def look(context: Context, connection: OwnConnection, chosen: JobFilter) -> Seen:
    """Everything, or what belongs to some queues."""
    from dataclasses import replace
    from datetime import timedelta

    from proletarian.looking.surveying import failure_groups, list_workers, queue_stats, throughput

    def counts(name: str) -> bool:
        return which.matches(name, chosen.queue)

    queue, kind = context.queue, context.database.kind
    minutes = connection.run(throughput(queue, kind, minutes=MINUTES, queue=counts, most=MOST_IN_A_MINUTE))
    queues = connection.run(queue_stats(queue, kind, most=MOST, free=connection.free))
    workers = connection.run(list_workers(queue, kind, free=connection.free))
    which_failed = replace(chosen, since=timedelta(minutes=MINUTES))
    failures = connection.run(failure_groups(queue, kind, which_failed, most=MOST_GROUPED))
    return Seen(
        minutes,
        [one for one in queues if counts(one.queue)],
        [one for one in workers if any(counts(name) for name in one.queues or [""])],
        failures,
    )


def show_json(seen: Seen, *, as_line: bool) -> None:
    """One look for programs."""
    said: dict[str, Any] = {
        "minutes": [promised.minute(minute) for minute in seen.minutes],
        "queues": [promised.queue(one) for one in seen.queues],
        "workers": [promised.worker(one) for one in seen.workers],
        "failures": [promised.failures(group) for group in seen.failures],
    }
    print_json(said, as_line=as_line)


def show(seen: Seen) -> None:
    """One look for people."""
    click.echo("\n".join(summary(seen)))
    if seen.queues:
        click.echo("")
        print_table(TITLES, [row_of(one, seen.minutes) for one in seen.queues])
    if seen.failures:
        click.echo(f"\nfailed in the last {MINUTES} minutes:")
        print_table(
            ("jobs", "type", "error", "last", "message"),
            [
                [count(group.count), group.job_type, group.error, f"{group.last_at:%H:%M:%S} UTC",
                 in_one_line(group.message, 60)]
                for group in seen.failures[:GROUPS]
            ],
        )  # fmt: skip


def summary(seen: Seen) -> list[str]:
    """A few lines about the last hour and the workers."""
    from proletarian.looking.surveys import added

    ended = [
        f"{count(added([getattr(minute, name) for minute in seen.minutes]))} {name}"
        for name in ("succeeded", "failed", "cancelled")
    ]
    alive = [worker for worker in seen.workers if worker.is_alive]
    running = sum(worker.running for worker in seen.workers)
    slots = sum(sum(worker.queues.values()) for worker in alive)
    return [
        f"last {MINUTES} minutes: {', '.join(ended)}",
        f"rate: {rate(seen.minutes, 1)} in the last minute, {rate(seen.minutes, 5)} in five, "
        f"{rate(seen.minutes, MINUTES - 1)} in {MINUTES}",
        f"{several(len(alive), 'live worker')} with {several(slots, 'slot')}; {several(running, 'job')} running",
    ]


def rate(minutes: Sequence[Minute], last: int) -> str:
    """How many jobs ended per second in the last whole minutes."""
    whole = minutes[:-1][-last:]
    return f"{sum(minute.rate for minute in whole) / max(1, len(whole)):,.1f}/s"


TITLES = ("queue", "ended/min", "due", "scheduled", "running", "failed", "oldest due", "workers", "paused")


def row_of(one: QueueStats, minutes: Sequence[Minute]) -> list[str]:
    """One queue, with how many of its jobs ended in the last whole minute."""
    from proletarian.looking.records import Count

    last = minutes[-2] if len(minutes) > 1 else minutes[-1]
    ended = last.queues.get(one.queue, Count(0))
    counts = (ended, one.due, one.scheduled, one.running, one.failed)
    return [one.queue, *map(count, counts), span(one.late), count(one.workers), paused(one.pause)]
