"""`proletarian jobs retry`, `cancel`, `delete` and `reschedule`: one job, or all that match a filter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeVar

import click

from proletarian.cli import exit_codes, which
from proletarian.cli.asking import agreed, changes
from proletarian.cli.audited import Deed, audited
from proletarian.cli.audited import by as by_option
from proletarian.cli.connection import connected, in_transaction, looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.failures import Failure
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import print_json, print_table, several
from proletarian.cli.rows import TITLES, row_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from proletarian.drivers.driver import OwnConnection
    from proletarian.filters import JobFilter
    from proletarian.looking.records import Count
    from proletarian.sql.statements import Plan

F = TypeVar("F", bound=Callable[..., Any])

BATCH = 500  # jobs in one transaction
MOST_COUNTED = 100_000
SHOWN = 10  # jobs that a dry run lists


def acting(command: F) -> F:
    """The options of all these commands: ids or a filter, who does it, and whether to ask first."""
    for option in (json_option, changes, by_option, which.ids_or_filter):
        command = option(command)
    return command


@dataclass(frozen=True)
class Act:
    """What is done to jobs: its name, the plan that does it to a batch, and what the plan counts."""

    name: str
    plan: Callable[[Any], Plan[Any]]
    counts: tuple[str, ...]
    detail: str = ""  # for the audit


@click.command()
@acting
@click.option("--fresh", is_flag=True, help="Forget attempts and errors, so that the job gets all its retries again.")
@in_context
def retry(context: Context, fresh: bool, **asked: Any) -> None:
    """
    Run archived jobs again, now.

    A filter that names no state matches those that failed or were cancelled. Attempts and errors are kept: a job gets
    one more run, and then as many as its retry strategy still has for it.
    """
    from proletarian.control.steering import retry

    queue, kind = context.queue, context.database.kind
    act = Act("retry", lambda some: retry(queue, kind, some, fresh=fresh), ("retried",), "fresh" if fresh else "")
    carry_out(context, act, **asked)


@click.command()
@acting
@click.option("--reason", default="", metavar="TEXT", help="The reason; the jobs keep it among their errors.")
@in_context
def cancel(context: Context, reason: str, by: str, **asked: Any) -> None:
    """
    Cancel jobs: a waiting job is archived as cancelled, a running one is asked to stop within a second.
    """
    from proletarian.control.steering import Cancelled, cancel

    queue, kind = context.queue, context.database.kind
    act = Act("cancel", lambda some: cancel(queue, kind, some, reason=reason, by=by), Cancelled._fields, reason)
    carry_out(context, act, by=by, **asked)


@click.command()
@acting
@in_context
def delete(context: Context, **asked: Any) -> None:
    """Delete waiting and archived jobs, without a trace. A running job is never deleted: cancel it."""
    from proletarian.control.steering import delete_jobs

    queue, kind = context.queue, context.database.kind
    act = Act("delete", lambda some: delete_jobs(queue, kind, some), ("deleted",))
    carry_out(context, act, **asked)


def moment(text: str) -> datetime:
    """An instant, from ISO 8601 with its time zone."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time: give one such as 2026-12-01T06:00Z") from None
    if found.tzinfo is None:
        raise click.BadParameter(f"{text!r} has no time zone: give one such as 2026-12-01T06:00Z or …+01:00")
    return found


@click.command()
@acting
@click.option("--in", "process_in", type=duration, help="Run them this long from now, as in 90s or 2h; 0 means now.")
@click.option("--at", "process_at", type=moment, metavar="TIME", help="Run them at this time, as in 2026-12-01T06:00Z.")
@click.option("--priority", type=click.IntRange(-32768, 32767), help="Jobs with a higher priority run first.")
@in_context
def reschedule(
    context: Context, process_in: float | None, process_at: datetime | None, priority: int | None, **asked: Any
) -> None:
    """Change when waiting jobs run, or their priority."""
    from proletarian.control.steering import reschedule

    if (process_in, process_at, priority) == (None, None, None):
        raise click.UsageError("give --in, --at or --priority")
    if process_in is not None and process_at is not None:
        raise click.UsageError("--in and --at both give --in, --at or --priority: use one of them")
    queue, kind = context.queue, context.database.kind
    given: dict[str, Any] = {"process_in": process_in, "process_at": process_at, "priority": priority}
    said = [f"in {process_in:g} s"] if process_in is not None else []
    said += [f"at {process_at.isoformat()}"] if process_at is not None else []
    said += [f"priority {priority}"] if priority is not None else []
    act = Act("reschedule", lambda some: reschedule(queue, kind, some, **given), ("rescheduled",), ", ".join(said))
    carry_out(context, act, **asked)


# One job, or all that match a filter.


def carry_out(
    context: Context, act: Act, *, words: tuple[str, ...], by: str, yes: bool, dry_run: bool, as_json: bool
) -> None:
    """Do it to the selected jobs and say to how many; of jobs given by id, say for which it was not possible."""
    from proletarian.control.steering import POSSIBLE, Cancelled, meant
    from proletarian.errors import WrongState
    from proletarian.filters import JobFilter

    given = which.meant(words)
    if isinstance(given, JobFilter):
        chosen, named = meant(given, act.name), None
    else:
        chosen, named = JobFilter(job_id=given, state=POSSIBLE[act.name]), given
    if dry_run:
        tell(context, act, chosen, as_json=as_json)
        return
    number = counted(context, chosen) if named is None else len(named)
    agreed(f"{act.name} {several(number, 'job')}: {chosen}", number, yes=yes)
    total, database, failed = dict.fromkeys(act.counts, 0), context.database, list[str]()
    with connected(database) as connection:
        for some in batches(context, connection, chosen) if named is None else named:
            what = ("jobs", str(chosen)) if named is None else ("job", str(some))
            deed = Deed(by, f"{act.name} {what[0]}", what[1], act.detail)
            try:
                done = in_transaction(
                    database,
                    connection,
                    lambda: audited(database.dialect, deed, act.plan(some), changed),  # noqa: B023
                )
            except WrongState as error:
                failed.append(str(error))
                continue
            for name, number in zip(act.counts, done if isinstance(done, tuple) else (done,), strict=True):
                total[name] += number
            if isinstance(done, Cancelled) and named is not None and not changed(done):
                failed.append(f"there is no job {some}" if done.unknown else f"job {some} had ended before")
    if as_json:
        print_json(total)
    elif not failed or changed(tuple(total.values())):
        click.echo(in_words(act, total))
    if failed:
        raise Failure("; ".join(failed), exit_codes.FAILED_CHECK)


def changed(done: int | tuple[int, ...]) -> int:
    """How many jobs were changed: for a cancellation, those that waited and those that were asked to stop."""
    return sum(done[:2]) if isinstance(done, tuple) else done


def tell(context: Context, act: Act, chosen: JobFilter, *, as_json: bool) -> None:
    """Say what would be done, and to which jobs, without doing it."""
    from proletarian.looking.seeing import see_jobs

    number = counted(context, chosen)
    if as_json:
        print_json({"dry_run": act.name, "count": int(number), "at_least": [] if number.is_exact else ["count"]})
        return
    click.echo(f"would {act.name} {several(number, 'job')}: {chosen}")
    if number:
        with looking(context.database) as connection:
            page = connection.run(
                see_jobs(context.queue, context.database.kind, chosen, limit=SHOWN, after=None, mask=True, why=False)
            )
        print_table(TITLES, [row_of(job) for job in page])


def counted(context: Context, chosen: JobFilter) -> Count:
    """How many there are; counting stops at a limit."""
    from proletarian.looking.seeing import count

    with looking(context.database) as connection:
        return connection.run(count(context.queue, context.database.kind, chosen, most=MOST_COUNTED))


def batches(context: Context, connection: OwnConnection, chosen: JobFilter) -> Iterator[JobFilter]:
    """
    The jobs that match a filter, a few hundred at a time, as filters by their ids and states.

    Each batch gets its own transaction: nobody waits for all of it, and an interruption keeps what is done.
    """
    from proletarian.filters import JobFilter
    from proletarian.looking.seeing import see_jobs

    after: str | None = ""
    while after is not None:
        page = connection.run(
            see_jobs(
                context.queue, context.database.kind, chosen, limit=BATCH, after=after or None, mask=True, why=False
            )
        )
        if page:
            yield JobFilter(job_id=[job.job_id for job in page], state=chosen.state)
        after = page.next


def in_words(act: Act, total: dict[str, int]) -> str:
    """
    What was done.

    >>> in_words(Act("retry", print, ("retried",)), {"retried": 2})
    'retried 2 jobs'
    >>> in_words(Act("cancel", print, ("waiting",)), {"waiting": 3, "asked": 1, "ended": 0, "unknown": 0})
    'cancelled 3 waiting jobs, asked 1 running job to end'
    >>> in_words(Act("cancel", print, ("waiting",)), {"waiting": 0, "asked": 0, "ended": 0, "unknown": 0})
    'cancelled 0 jobs'
    """
    if act.name != "cancel":
        [(name, number)] = total.items()
        return f"{name} {several(number, 'job')}"
    said = [f"cancelled {several(total['waiting'], 'waiting job')}"] if total["waiting"] else []
    said += [f"asked {several(total['asked'], 'running job')} to end"] if total["asked"] else []
    return ", ".join(said) or "cancelled 0 jobs"
