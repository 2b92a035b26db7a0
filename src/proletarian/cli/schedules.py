"""`proletarian schedules`: what is enqueued when; pause, resume, run now, next ticks."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proletarian.cli import promised, which
from proletarian.cli.asking import dry_run
from proletarian.cli.audited import Deed, audited
from proletarian.cli.audited import by as by_option
from proletarian.cli.connection import connected, in_transaction, looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import from_now, print_json, print_table, utc

if TYPE_CHECKING:
    from proletarian.drivers.driver import OwnConnection
    from proletarian.schedule import ScheduleRecord

F = TypeVar("F", bound=Callable[..., Any])

PAGE = 500
LATE = timedelta(minutes=1)


def owned(command: F) -> F:
    """`--owner NAME`: a schedule belongs to an application, by its name."""
    return click.option(
        "--owner",
        metavar="NAME",
        help="The application that owns the schedules: Tasks(app=NAME). [default: that of --app, or the one without "
        "a name]",
    )(command)


def owner_of(context: Context, owner: str | None) -> str:
    """The application whose schedules are meant."""
    if owner is not None:
        return owner
    return "" if context.tasks is None else context.tasks.app


@click.command("list")
@which.some
@owned
@json_option
@in_context
def list_schedules(context: Context, words: tuple[str, ...], owner: str | None, as_json: bool) -> None:
    """
    Show the schedules of an application: what they enqueue, when, and their next and last ticks.

    FILTER may be type:send_* and queue:mail.
    """
    chosen = which.narrowed(words, "type", "queue")
    app = owner_of(context, owner)
    with looking(context.database) as connection:
        found = [
            one
            for one in all_of(context, connection, app)
            if which.matches(one.job_type, chosen.job_type) and which.matches(one.queue, chosen.queue)
        ]
    if as_json:
        print_json({"app": app, "schedules": [promised.schedule(one) for one in found]})
        return
    print_table(("schedule", "when", "zone", "type", "queue", "next", "last", "state"), [row_of(one) for one in found])
    if not found:
        click.echo("no schedule matches" if words else f"the application {app!r} has no schedule", err=True)


def all_of(context: Context, connection: OwnConnection, app: str) -> list[ScheduleRecord]:
    """All of an application's schedules, page by page."""
    from proletarian.control.timetable import find

    found: list[ScheduleRecord] = []
    while True:
        after = found[-1].name if found else ""
        page = connection.run(find(context.queue, context.database.kind, app, after=after, limit=PAGE))
        found += page
        if len(page) < PAGE:
            return found


def row_of(one: ScheduleRecord) -> list[str]:
    """One line of the list."""
    return [
        one.name, when(one), one.tz if one.cron else "", one.job_type, one.queue,
        "" if one.paused_at else from_now(one.next_at), from_now(one.last_at),
        "paused" if one.paused_at else "late" if is_late(one) else "",
    ]  # fmt: skip


def when(one: ScheduleRecord) -> str:
    """When it ticks, as declared."""
    from proletarian.times.durations import spelled

    return one.cron if one.cron is not None or one.every is None else f"every {spelled(one.every.total_seconds())}"  # type: ignore[return-value]


@click.command("next")
@click.argument("name", metavar="SCHEDULE")
@click.option("--count", "-n", type=click.IntRange(1, 1000), default=5, show_default=True, help="The number of ticks.")
@owned
@json_option
@in_context
def next_ticks(context: Context, name: str, count: int, owner: str | None, as_json: bool) -> None:
    """Show when a schedule ticks next, in UTC and in its own zone."""
    from zoneinfo import ZoneInfo

    app = owner_of(context, owner)
    with looking(context.database) as connection:
        one = named(context, connection, app, name)
    ticks = one.next(count)
    if as_json:
        print_json({"name": name, "paused": one.paused_at is not None, "next": [promised.time(tick) for tick in ticks]})
        return
    if one.paused_at is not None:
        click.echo(f"{name} has been paused since {utc(one.paused_at)}")
        return
    zones = [] if one.tz == "UTC" else [ZoneInfo(one.tz)]
    rows = [
        [utc(tick), *(f"{tick.astimezone(zone):%a %Y-%m-%d %H:%M:%S %Z}" for zone in zones), from_now(tick)]
        for tick in ticks
    ]
    print_table(("UTC", *map(str, zones), "when"), rows)
    if is_late(one):
        click.echo(f"{name} is late: no live worker of {app!r} fires it", err=True)


def is_late(one: ScheduleRecord) -> bool:
    """Whether it should have fired some time ago."""
    return one.paused_at is None and datetime.now(UTC) - one.next_at > LATE


def named(context: Context, connection: OwnConnection, app: str, name: str) -> ScheduleRecord:
    """The schedule with this name."""
    from difflib import get_close_matches

    from proletarian.errors import UnknownSchedule

    found = {one.name: one for one in all_of(context, connection, app)}
    if name not in found:
        close = get_close_matches(name, found, n=1)
        whose = f"the application {app!r}" if app else "this application (it has no name: see --owner)"
        raise UnknownSchedule(
            f"no schedule of {whose} is named {name!r}{f'; did you mean {close[0]!r}?' if close else ''}"
        )
    return found[name]


def steering(command: F) -> F:
    """The options of the commands that change a schedule."""
    for option in (json_option, owned, by_option, dry_run, click.argument("name", metavar="SCHEDULE")):
        command = option(command)
    return command


@click.command()
@steering
@in_context
def pause(context: Context, **how: Any) -> None:
    """Stop firing a schedule until it is resumed, whatever is deployed in the meantime."""
    from proletarian.control.timetable import pause

    steer(context, "pause", pause, **how)


@click.command()
@steering
@in_context
def resume(context: Context, **how: Any) -> None:
    """Resume a paused schedule from its next tick; ticks that came during the pause are not made up for."""
    from proletarian.control.timetable import resume

    steer(context, "resume", resume, **how)


@click.command()
@steering
@in_context
def run(context: Context, **how: Any) -> None:
    """Enqueue a schedule's job now, in addition to its ticks, paused or not; prints the job id."""
    from proletarian.control.timetable import run

    steer(context, "run", run, **how)


def steer(
    context: Context, verb: str, plan: Any, *, name: str, owner: str | None, by: str, dry_run: bool, as_json: bool
) -> None:
    """Do it to the schedule with this name."""
    app = owner_of(context, owner)
    queue, database = context.queue, context.database
    deed = Deed(by, f"{verb} schedule", name, app)
    with connected(database) as connection:
        was_paused = named(context, connection, app, name).paused_at is not None
        stored = None
        if not dry_run and was_paused != {"pause": True, "resume": False}.get(verb):
            stored = in_transaction(
                database, connection, lambda: audited(database.dialect, deed, plan(queue, database.kind, app, name))
            )
    if dry_run:
        said, words = {"dry_run": verb, "name": name}, f"would {verb} {name}"
    elif verb == "run":
        job_id = promised.identity(queue.job_ids.decode(stored))
        said, words = {"name": name, "job_id": job_id}, job_id
    elif verb == "pause":
        said, words = {"paused": name}, f"{name} was paused already" if was_paused else f"paused {name}"
    else:
        said, words = {"resumed": name}, f"resumed {name}" if was_paused else f"{name} was not paused"
    if as_json:
        print_json(said)
    else:
        click.echo(words)


@click.group(commands=[list_schedules, pause, resume, run, next_ticks])
def schedules() -> None:
    """Show schedules, pause and resume them, run one now."""
