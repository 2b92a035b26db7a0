"""`proletarian jobs list` and `show`: which jobs there are, and all that is known about one."""

from __future__ import annotations

import contextlib
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from proletarian.cli import exit_codes, promised, which
from proletarian.cli.acts import cancel, delete, reschedule, retry
from proletarian.cli.connection import looking
from proletarian.cli.context import Context, in_context
from proletarian.cli.failures import Failure
from proletarian.cli.printing import as_json as json_option
from proletarian.cli.printing import from_now, print_json, print_table, utc
from proletarian.cli.rows import TITLES, row_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from proletarian.looking.records import JobRecord


@click.command("list")
@which.some
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=50, show_default=True, help="The maximum number of jobs."
)
@click.option(
    "--after", metavar="JOB_ID", help="Continue after this job: the value printed at the end of the previous page."
)
@click.option("--why", is_flag=True, help="Say for each waiting job why it does not run.")
@click.option("--count", "only_count", is_flag=True, help="Print only how many there are.")
@click.option("--unmask", is_flag=True, help="Show secrets in payloads too.")
@json_option
@in_context
def list_jobs(
    context: Context,
    words: tuple[str, ...],
    limit: int,
    after: str | None,
    why: bool,
    only_count: bool,
    unmask: bool,
    as_json: bool,
) -> None:
    """
    Show jobs, newest first; with FILTER, those that match it.

    FILTER is words such as queue:mail type:send_* state:failed error:Timeout payload.user_id:42 tag:vip since:1h, all
    of which a job must match. A page may be short although there are more jobs, because each look reads only so many
    rows.
    """
    from proletarian.looking.seeing import count, see_jobs

    meant = which.filter_of(words)
    queue, kind = context.queue, context.database.kind
    with looking(context.database) as connection:
        if only_count:
            found = connection.run(count(queue, kind, meant, most=100_000))
            if as_json:
                print_json({"count": int(found), "at_least": [] if found.is_exact else ["count"]})
            else:
                click.echo(str(found))
            return
        page = connection.run(see_jobs(queue, kind, meant, limit=limit, after=after, mask=not unmask, why=why))
    if as_json:
        print_json({"jobs": [promised.job(job) for job in page], "next": page.next})
        return
    print_table(TITLES, [row_of(job) for job in page])
    if not page:
        click.echo(f"no job {'matches' if words else 'is there'}{'' if page.next is None else ' so far'}", err=True)
    if page.next is not None:
        click.echo(f"there may be more: --after {page.next}", err=True)


@click.command()
@click.argument("wanted", nargs=-1, required=True, metavar="JOB_ID...")
@click.option("--unmask", is_flag=True, help="Show secrets in the payload and the result too.")
@json_option
@in_context
def show(context: Context, wanted: tuple[str, ...], unmask: bool, as_json: bool) -> None:
    """Show all that is known about a job and, if it waits, why it does not run."""
    from proletarian.looking.seeing import see_job

    queue, kind = context.queue, context.database.kind
    with looking(context.database) as connection:
        found = [(job_id, connection.run(see_job(queue, kind, job_id, mask=not unmask))) for job_id in wanted]
    records = [record for _, record in found if record is not None]
    if as_json:
        print_json({"jobs": [promised.job(record) for record in records]})
    else:
        click.echo("\n\n".join(text_of(record) for record in records), nl=bool(records))
    if missing := [job_id for job_id, record in found if record is None]:
        raise Failure(f"there is no job {' or '.join(missing)}", exit_codes.FAILED_CHECK)


def text_of(job: JobRecord) -> str:
    """A job in full."""
    lines = [
        f"job {job.job_id}: {job.state}",
        *said("why", str(job.why) if job.why else ""),
        *said("type", job.job_type),
        *said("queue", job.queue),
        *said("priority", str(job.priority)),
        *said("tags", ", ".join(job.tags)),
        *said("unique", job.unique_key or ""),
        *said("enqueued", when(job.enqueued_at)),
        *said("due", when(job.process_at)),
        *said("started", when(job.started_at)),
        *said("finished", when(job.finished_at)),
        *said("attempts", f"{job.attempts}{f', and {job.lost} lost with their workers' if job.lost else ''}"),
        *said("worker", job.worker or ""),
        *said("progress", pretty(job.progress) if job.progress else ""),
        *said("headers", pretty(dict(job.headers)) if job.headers else ""),
        *said("payload", f"cannot be read: {job.unreadable}" if job.unreadable else pretty(job.payload)),
        *said("result", "" if job.result is None else pretty(job.result)),
    ]
    for error in job.errors:
        text = f"{error.get('type')}: {error.get('message')}\n{error.get('traceback') or ''}"
        lines += ["", f"{heading(error)}:", *(f"  {line}" for line in text.rstrip().splitlines())]
    return "\n".join(lines)


def heading(error: Mapping[str, Any]) -> str:
    """
    Which run an error ended, when and where; for a cancellation by hand, when and by whom.

    >>> heading({"attempt": 2, "at": "2026-11-29T14:26:18+00:00", "worker": "web1:7"})
    'attempt 2, 2026-11-29 14:26:18 UTC, web1:7'
    """
    at = str(error.get("at") or "")
    with contextlib.suppress(ValueError):
        at = utc(datetime.fromisoformat(at))
    attempt = error.get("attempt")
    return ", ".join(filter(None, (f"attempt {attempt}" if attempt else "", at, str(error.get("worker") or ""))))


def said(name: str, text: str) -> list[str]:
    """One labelled line, if there is anything to say; further lines of the text are indented."""
    first, *rest = text.splitlines() or [""]
    return [f"  {name:<9} {first}", *(f"  {'':<9} {line}" for line in rest)] if text else []


def when(moment: datetime | None) -> str:
    """A moment, and how long ago that is."""
    return f"{utc(moment)} ({from_now(moment)})" if moment else ""


def pretty(value: Any) -> str:
    """A value as JSON, on one line if that is short."""
    import json

    line = json.dumps(value, ensure_ascii=False, default=str)
    return line if len(line) <= 100 else json.dumps(value, ensure_ascii=False, default=str, indent=2)


@click.group(commands=[list_jobs, show, retry, cancel, delete, reschedule])
def jobs() -> None:
    """
    Show jobs, and cancel, retry, reschedule or delete them.

    By their ids, or by a filter: queue:mail type:send_* state:failed error:Timeout payload.user_id:42 tag:vip since:1h.
    """
