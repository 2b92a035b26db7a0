"""`proletarian limits`: how many jobs may run or start, and who has changed that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import promised
from proletarian.cli.asking import dry_run as dry_run_option
from proletarian.cli.audited import Deed, audited
from proletarian.cli.audited import by as by_option
from proletarian.cli.connection import connected, in_transaction, looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import count, print_json, print_table, utc

if TYPE_CHECKING:
    from collections.abc import Callable

    from proletarian.sql.limiting import LimitRecord
    from proletarian.sql.statements import Plan


@click.command("list")
@json_option
@in_context
def list_limits(context: Context, as_json: bool) -> None:
    """
    Show the limits in force: those in the code of the live workers, and those that were set.

    For each limit: how many jobs may run at a time, how many may start in what time, and how many are running now.
    """
    from proletarian.control.overriding import limits

    with looking(context.database) as connection:
        found = connection.run(limits(context.queue, context.database.kind))
    if as_json:
        print_json({"limits": [promised.limit(one) for one in found]})
        return
    print_table(TITLES, [row_of(one) for one in found])
    if not found:
        click.echo("no limits: no live worker declares one, and none is set", err=True)


TITLES = ("limit", "at a time", "rate", "running", "order", "set")


def row_of(one: LimitRecord) -> list[str]:
    """One line of the list."""
    return [
        one.name, "" if one.running is None else count(one.running), rate_of(one.rate, one.seconds, one.burst),
        count(one.held), "one after another" if one.ordered else "",
        "" if one.set_at is None else f"{utc(one.set_at)}{f' by {one.by}' if one.by else ''}",
    ]  # fmt: skip


@click.command("set")
@click.argument("name", metavar="LIMIT")
@click.argument("running", type=click.IntRange(min=0), required=False)
@click.option("--rate", type=click.IntRange(min=1), help="How many may start in --seconds.")
@click.option(
    "--seconds", type=duration, default="1s", show_default=True, metavar="DURATION",
    help="The time that --rate is for, as in 60 or 1m.",
)  # fmt: skip
@click.option("--burst", type=click.IntRange(min=1), help="How many may start at once.")
@by_option
@dry_run_option
@json_option
@in_context
def set_one(
    context: Context,
    name: str,
    running: int | None,
    rate: int | None,
    seconds: float,
    burst: int | None,
    by: str,
    **how: Any,
) -> None:
    """
    Set a limit: RUNNING jobs at a time, or a --rate, or both.

    Workers keep to it within a second, until `reset`. With 0 nothing under it starts; running jobs go on.
    """
    from proletarian.control.overriding import set_limit

    if running is None and rate is None:
        raise click.UsageError("say how many jobs may run at a time, or a --rate, or both")
    if burst is not None and rate is None:
        raise click.UsageError("--burst says how many of a --rate may start at once: give one")
    if rate is None and click.get_current_context().get_parameter_source("seconds") is not BY_DEFAULT:
        raise click.UsageError("--seconds is the time that a --rate is for: give one")
    queue, kind = context.queue, context.database.kind
    said = [f"{running} at a time"] if running is not None else []
    said += [rate_of(rate, seconds, burst)] if rate is not None else []
    deed = Deed(by, "set limit", name, ", ".join(said))

    def plan() -> Plan[None]:
        return set_limit(queue, kind, name, running, rate=rate, seconds=seconds, burst=burst, by=by)

    act(context, deed, plan, {"set": name}, f"{name}: {deed.detail}", **how)


BY_DEFAULT = click.core.ParameterSource.DEFAULT


@click.command()
@click.argument("name", metavar="LIMIT")
@by_option
@dry_run_option
@json_option
@in_context
def reset(context: Context, name: str, by: str, **how: Any) -> None:
    """Return a limit to what the code says."""
    from proletarian.control.overriding import reset_limit

    def plan() -> Plan[bool]:
        return reset_limit(context.queue, context.database.kind, name)

    act(
        context,
        Deed(by, "lift limit", name),
        plan,
        {"reset": name, "was_set": True},
        f"{name}: as in the code",
        **how,
    )


def act(
    context: Context, deed: Deed, plan: Callable[[], Plan[Any]], json: dict[str, Any], words: str,
    *, dry_run: bool, as_json: bool,
) -> None:  # fmt: skip
    """Do it to one limit, or with --dry-run only say so."""
    verb, database = next(iter(json)), context.database
    with connected(database) as connection:
        was_set = None
        if not dry_run:
            was_set = in_transaction(
                database,
                connection,
                lambda: audited(database.dialect, deed, plan(), lambda was: 0 if was is False else None),
            )
    if was_set is False:
        json, words = {**json, "was_set": False}, f"{deed.target} was not set"
    if as_json:
        print_json({"dry_run": verb, "name": deed.target} if dry_run else json)
    else:
        click.echo(f"would {verb} {deed.target}" if dry_run else words)


def rate_of(rate: int | None, seconds: float | None, burst: int | None) -> str:
    """
    A rate, in words.

    >>> rate_of(100, 60.0, 10)
    '100 in 60 s, 10 at once'
    """
    return "" if rate is None else f"{rate} in {seconds:g} s" + (f", {burst} at once" if burst else "")


@click.group(commands=[list_limits, set_one, reset])
def limits() -> None:
    """Show limits and change them, for all workers, without a release."""
