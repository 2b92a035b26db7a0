"""`proletarian worker`: run jobs until told to stop."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, NoReturn

import click

from proletarian.cli.context import Context, in_context
from proletarian.cli.durations import duration
from proletarian.cli.failures import wrong_usage

if TYPE_CHECKING:
    from proletarian.worker import Worker
    from proletarian.worker.hands.processes import Processes


@click.command()
@click.argument("named", metavar="[MODULE[:ATTRIBUTE]]", required=False)
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME[=SLOTS|=processes:N]",
    envvar="PROLETARIAN_QUEUE",
    show_envvar=True,
    help="A queue to serve, and how many of its jobs run at a time (10), or in how many child processes; "
    "repeatable, or separated by commas:"
    " mail=2,default=10,render=processes:4. [default: every queue that the tasks name]",
)
@click.option(
    "--drain",
    is_flag=True,
    envvar="PROLETARIAN_DRAIN",
    show_envvar=True,
    help="Run the jobs that are due, then exit instead of waiting for more.",
)
@click.option(
    "--stop-timeout",
    type=duration,
    default="10s",
    show_default=True,
    envvar="PROLETARIAN_STOP_TIMEOUT",
    show_envvar=True,
    help="How long a stopping worker waits for running jobs before it returns them to the queue.",
)
@click.option(
    "--keep-succeeded",
    type=duration,
    envvar="PROLETARIAN_KEEP_SUCCEEDED",
    show_envvar=True,
    help="Delete archived jobs that succeeded at least this long ago, as in 7d. [default: as the tasks say, 7d]",
)
@click.option(
    "--keep-failed",
    type=duration,
    envvar="PROLETARIAN_KEEP_FAILED",
    show_envvar=True,
    help="Delete archived jobs that failed at least this long ago. [default: as the tasks say, 90d]",
)
@click.option(
    "--name",
    envvar="PROLETARIAN_NAME",
    show_envvar=True,
    metavar="NAME",
    help="A name for people, shown before host and process id: mail@web1:4711.",
)
@click.option(
    "--max-jobs",
    type=click.IntRange(1),
    envvar="PROLETARIAN_MAX_JOBS",
    show_envvar=True,
    help="Stop after this many jobs; something must restart the worker: --processes, systemd, a container.",
)
@click.option(
    "--max-lifetime",
    type=duration,
    envvar="PROLETARIAN_MAX_LIFETIME",
    show_envvar=True,
    help="Stop after this time, as in 1h, minus up to a tenth, so that a fleet does not stop all at once.",
)
@click.option(
    "--processes",
    type=click.IntRange(1),
    envvar="PROLETARIAN_PROCESSES",
    show_envvar=True,
    help="Run this many worker processes, and restart those that die. [default: run in this process]",
)
@click.option(
    "--reload",
    is_flag=True,
    help="For development: restart when a source file changes: "
    "at once if watchfiles is installed, otherwise within a second.",
)
@click.option(
    "--reload-dir",
    "reload_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False),
    help="A folder whose *.py files --reload watches; repeatable. [default: that of --app-dir]",
)
@click.option(
    "--migrate",
    is_flag=True,
    envvar="PROLETARIAN_MIGRATE",
    show_envvar=True,
    help="First create the tables, or bring them up to date.",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    envvar="PROLETARIAN_LOG_LEVEL",
    show_envvar=True,
    help="The log level, on stderr; debug logs every job.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar="PROLETARIAN_LOG_FORMAT",
    show_envvar=True,
    help="Lines for people, or one JSON object per line.",
)
@click.option(
    "--health",
    "address",
    metavar="HOST:PORT",
    envvar="PROLETARIAN_HEALTH",
    show_envvar=True,
    help="Answer probes here: /live and /ready over HTTP; `proletarian health` queries them. With --processes, each "
    "process takes the next port.",
)
@in_context
def worker(
    context: Context,
    drain: bool,
    log_level: str,
    log_format: str,
    processes: int | None,
    reload: bool,
    reload_dirs: tuple[str, ...],
    migrate: bool,
    address: str | None,
    **given: Any,
) -> None:
    """
    Run jobs until told to stop.

    MODULE:ATTRIBUTE is the Tasks of your application, as in shop.jobs:tasks, a Worker with its own
    options, or any function of a job; ATTRIBUTE defaults to tasks. --app does the same.

    SIGTERM, SIGINT (Ctrl-C) or SIGHUP stops it: it takes no new jobs, and running ones get time to
    finish. A second signal ends that wait. Jobs that are still running then go back to their queue.

    With --processes a parent, which runs no jobs, starts that many workers, each with all of the slots; restarts
    those that die, after 0.5 to 30 s; passes signals on; and exits with the worst of their exit codes. Its workers
    stop if it is killed.
    """
    from proletarian.cli.logs import let_speak, log_to_stderr

    log_to_stderr(log_level, log_format)
    number = supervised() if processes is not None or reload else 0
    if (processes is not None or reload) and not number:
        supervise(processes or 1, given["stop_timeout"], drain=drain, folders=reload_dirs if reload else None)
    if migrate:
        bring_up(context)
    given["queues"] = slots_of(given["queues"])
    ready = context.worker(**{name: value for name, value in given.items() if value is not None})
    let_speak()
    with probed(address, ready, number):
        if drain:
            click.echo(f"ran {ready.drain()}", err=True)
        else:
            ready.run()


def probed(address: str | None, worker: Worker, number: int) -> AbstractContextManager[None]:
    """Answer probes while the block lasts, if an address was given; with several processes, each has its own port."""
    if not address:
        return nullcontext()
    from proletarian.cli.probes import answering

    return answering(address, lambda: worker.health, max(0, number - 1))


def supervised() -> int:
    """Which of a parent's processes this is, from 1; 0 if it has none."""
    from proletarian.cli.supervising import number

    return number()


def supervise(count: int, stop_timeout: float, *, drain: bool, folders: Sequence[str] | None) -> NoReturn:
    """Be the parent of that many workers; ends with their exit code."""
    from proletarian.cli.reloading import changes_in
    from proletarian.cli.supervising import Supervisor
    from proletarian.events import to_logging

    context = click.get_current_context()
    if folders is not None and drain:
        raise click.UsageError("--drain exits and --reload keeps running: use one of them")
    changed = None if folders is None else changes_in(folders or [context.params.get("app_dir", ".")])
    supervisor = Supervisor(count, stop_timeout=stop_timeout, drain=drain, log=to_logging, changed=changed)
    context.exit(supervisor.run())


def bring_up(context: Context) -> None:
    """Create the tables, or bring them up to date."""
    import logging

    from proletarian.migration import bring_up_to_date

    if context.database.migrate_command.startswith("manage.py"):
        raise wrong_usage(f"here `{context.database.migrate_command}` creates the tables: leave out --migrate")
    for migration in bring_up_to_date(context.database):
        logging.getLogger("proletarian.migration").info("applied %04d %s", migration.number, migration.name)


def slots_of(queues: tuple[str, ...]) -> dict[str, int | Processes] | None:
    """
    Queues and their slots; None if no queue was named.

    >>> slots_of(("mail=2,default", "reports=1"))
    {'mail': 2, 'default': 10, 'reports': 1}
    >>> slots_of(("render=processes:4",))
    {'render': Processes(4)}
    """
    from proletarian.worker.hands.processes import Processes
    from proletarian.worker.serving import SLOTS

    found: dict[str, int | Processes] = {}
    for text in (part.strip() for given in queues for part in given.removesuffix(",").split(",")):
        name, equals, slots = text.rpartition("=") if "=" in text else (text, "", "")
        kind, _, count = slots.rpartition(":")
        if not name or (equals and not (count.isdecimal() and kind in ("", "processes"))):
            raise wrong_usage(
                f"--queue {text}: name a queue, or a queue and its slots, as in mail=2 or render=processes:4"
            )
        if name in found:
            raise wrong_usage(f"--queue {text}: queue {name!r} is named twice")
        found[name] = (Processes(int(count)) if kind else int(count)) if equals else SLOTS
    return found or None
