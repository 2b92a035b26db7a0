"""`proletarian queues`: what each queue holds and who serves it; pause and resume."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import promised, which
from proletarian.cli.asking import dry_run
from proletarian.cli.audited import Deed, audited
from proletarian.cli.audited import by as by_option
from proletarian.cli.connection import connected, in_transaction, looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import count, print_json, print_table, span, utc

if TYPE_CHECKING:
    from collections.abc import Sequence

    from proletarian.drivers.driver import OwnConnection
    from proletarian.looking.surveys import QueueStats
    from proletarian.sql.pausing import Pause
    from proletarian.sql.statements import Plan

MOST = 100_000


@click.command("list")
@which.some
@json_option
@in_context
def list_queues(context: Context, words: tuple[str, ...], as_json: bool) -> None:
    """
    Show each queue that holds jobs, is served, or is paused.

    How many jobs are due, scheduled for later, running, and failed for good; since when the oldest due one has waited;
    how many live workers serve it, with how many slots. Counts stop at 100,000. FILTER may name queues: queue:mail*.
    """
    from proletarian.looking.surveying import queue_stats

    chosen = which.narrowed(words, "queue")
    with looking(context.database) as connection:
        found = connection.run(queue_stats(context.queue, context.database.kind, most=MOST, free=connection.free))
    stats = [one for one in found if which.matches(one.queue, chosen.queue)]
    if as_json:
        print_json({"queues": [promised.queue(one) for one in stats]})
        return
    print_table(TITLES, [row_of(one) for one in stats])
    if not stats:
        click.echo("no queue holds jobs, is served, or is paused", err=True)


TITLES = ("queue", "due", "scheduled", "running", "failed", "oldest due", "workers", "slots", "paused")


def row_of(stats: QueueStats) -> list[str]:
    """One line of the list."""
    counts = (stats.due, stats.scheduled, stats.running, stats.failed)
    return [stats.queue, *map(count, counts), span(stats.late), count(stats.workers), count(stats.slots),
            paused(stats.pause)]  # fmt: skip


def paused(pause: Pause | None) -> str:
    """Since when, by whom and why, if it is paused."""
    if pause is None:
        return ""
    by, why = (f" by {pause.by}" if pause.by else ""), (f": {pause.reason}" if pause.reason else "")
    return f"since {utc(pause.paused_at)}{by}{why}"


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="QUEUE...")
@click.option("--reason", default="", metavar="TEXT", help="The reason; shown to everybody who looks at the queue.")
@by_option
@dry_run
@json_option
@in_context
def pause(context: Context, names: tuple[str, ...], reason: str, by: str, **how: Any) -> None:
    """
    Stop all workers from claiming from a queue, until it is resumed.

    It takes effect within a second, for the whole fleet and across restarts. Running jobs go on to their end.
    """
    from proletarian.control.steering import pause

    def one(name: str) -> Plan[None]:
        return pause(context.queue, context.database.kind, name, reason=reason, by=by)

    to_each(context, names, Deed(by, "pause queue", "", reason), one, **how)


@click.command()
@click.argument("names", nargs=-1, required=True, metavar="QUEUE...")
@by_option
@dry_run
@json_option
@in_context
def resume(context: Context, names: tuple[str, ...], by: str, **how: Any) -> None:
    """Let workers claim from a paused queue again."""
    from proletarian.control.steering import resume

    def one(name: str) -> Plan[bool]:
        return resume(context.queue, context.database.kind, name)

    to_each(context, names, Deed(by, "resume queue", ""), one, **how)


def to_each(context: Context, names: tuple[str, ...], deed: Deed, plan: Any, *, dry_run: bool, as_json: bool) -> None:
    """Do it to each of these queues, in one transaction."""
    verb, dialect = deed.action.partition(" ")[0], context.database.dialect
    done: dict[str, Any] = {}
    with connected(context.database) as connection:
        if verb == "pause":
            wonder(names, known_to(context, connection))
        if not dry_run:

            def all_of_them() -> Plan[None]:
                for name in names:
                    # it was not paused, so it is not resumed: nothing to record
                    done[name] = yield from audited(
                        dialect, replace(deed, target=name), plan(name), lambda was: 0 if was is False else None
                    )

            in_transaction(context.database, connection, all_of_them)
    idle = [name for name, was_paused in done.items() if was_paused is False]
    if as_json:
        said: dict[str, Any] = {"dry_run": verb, "queues": list(names)} if dry_run else {f"{verb}d": list(names)}
        print_json(said | ({"not_paused": idle} if verb == "resume" and not dry_run else {}))
        return
    for name in names:
        if name in idle:
            click.echo(f"{name} was not paused")
        else:
            click.echo(f"would {verb} {name}" if dry_run else f"{verb}d {name}")


def known_to(context: Context, connection: OwnConnection) -> set[str]:
    """The queues that hold jobs, are served or paused, or are named by the application's tasks."""
    from proletarian.looking.surveying import queue_stats
    from proletarian.worker.serving import queues_of

    found = connection.run(queue_stats(context.queue, context.database.kind, most=1, free=connection.free))
    named = {context.queue.default_queue} if context.tasks is None else queues_of(context.tasks, context.queue)
    return {one.queue for one in found}.union(named)


def wonder(names: Sequence[str], known: set[str]) -> None:
    """Warn that unknown queues may be misspelt; they can be paused all the same."""
    from difflib import get_close_matches

    for name in names:
        if name not in known:
            close = get_close_matches(name, known, n=1)
            meant = f"did you mean {close[0]}?" if close else "is the name right?"
            click.echo(f"no job waits in {name}, and no live worker serves it; {meant}", err=True)


@click.group(commands=[list_queues, pause, resume])
def queues() -> None:
    """Show queues, and pause or resume them for the whole fleet."""
