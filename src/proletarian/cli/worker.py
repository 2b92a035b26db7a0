"""`proletarian worker`: run jobs until told to stop."""

from __future__ import annotations

import click

from proletarian.cli import options
from proletarian.cli.durations import duration
from proletarian.cli.failures import wrong_usage


@click.command()
@click.argument("app", envvar="PROLETARIAN_APP", metavar="MODULE[:ATTRIBUTE]")
@options.database
@click.option(
    "--queue",
    "queues",
    multiple=True,
    metavar="NAME[=SLOTS]",
    envvar="PROLETARIAN_QUEUE",
    show_envvar=True,
    help="A queue to serve, and how many of its jobs run at a time (10); repeatable. "
    "In the environment: 'mail=2 default=10'. [default: default=10]",
)
@click.option(
    "--drain",
    is_flag=True,
    envvar="PROLETARIAN_DRAIN",
    show_envvar=True,
    help="Run what is due, then end, instead of waiting for more.",
)
@click.option(
    "--stop-timeout",
    type=duration,
    default="10s",
    show_default=True,
    envvar="PROLETARIAN_STOP_TIMEOUT",
    show_envvar=True,
    help="How long a stop waits for running jobs before it gives them back.",
)
@click.option(
    "--keep-succeeded",
    type=duration,
    envvar="PROLETARIAN_KEEP_SUCCEEDED",
    show_envvar=True,
    help="Delete archived jobs that succeeded so long ago, as in 7d. [default: keep them]",
)
@click.option(
    "--keep-failed",
    type=duration,
    envvar="PROLETARIAN_KEEP_FAILED",
    show_envvar=True,
    help="Delete archived jobs that failed so long ago. [default: keep them]",
)
@click.option(
    "--log-level",
    type=click.Choice(["debug", "info", "warning", "error"], case_sensitive=False),
    default="info",
    show_default=True,
    envvar="PROLETARIAN_LOG_LEVEL",
    show_envvar=True,
    help="What to log, on stderr; debug tells of every job.",
)
@click.option(
    "--log-format",
    type=click.Choice(["text", "json"]),
    default="text",
    show_default=True,
    envvar="PROLETARIAN_LOG_FORMAT",
    show_envvar=True,
    help="Lines for people, or one JSON object a line.",
)
@click.option(
    "--app-dir",
    type=click.Path(exists=True, file_okay=False),
    default=".",
    show_default=True,
    envvar="PROLETARIAN_APP_DIR",
    show_envvar=True,
    help="The folder from which MODULE is imported.",
)
def worker(
    app: str,
    url: str,
    queues: tuple[str, ...],
    drain: bool,
    stop_timeout: float,
    keep_succeeded: float | None,
    keep_failed: float | None,
    log_level: str,
    log_format: str,
    app_dir: str,
) -> None:
    """
    Run jobs until told to stop.

    MODULE:ATTRIBUTE is the Tasks of your application, as in shop.jobs:tasks, or any function
    of a job; without ATTRIBUTE it is called tasks. [env var: PROLETARIAN_APP]

    SIGTERM or SIGINT (Ctrl-C) stops: no new jobs, and the running ones get their time to
    end. A second signal ends that wait. Jobs that still run then go back to their queue.
    """
    from proletarian.cli.application import load
    from proletarian.cli.logs import log_to_stderr
    from proletarian.worker import Worker

    log_to_stderr(log_level, log_format)
    handler = load(app, app_dir)
    ready = Worker(
        url,
        handler,
        queues=slots_of(queues),
        stop_timeout=stop_timeout,
        keep_succeeded=keep_succeeded,
        keep_failed=keep_failed,
    )
    if drain:
        click.echo(f"ran {ready.drain()}", err=True)
    else:
        ready.run()


def slots_of(queues: tuple[str, ...]) -> dict[str, int] | None:
    """`("mail=2", "default")` as queues and slots; None if none was named."""
    from proletarian.worker.worker import SLOTS

    found: dict[str, int] = {}
    for text in queues:
        name, equals, slots = text.rpartition("=") if "=" in text else (text, "", "")
        if not name or (equals and not slots.isdecimal()):
            raise wrong_usage(f"--queue {text}: name a queue, or a queue and its slots, as in mail=2")
        if name in found:
            raise wrong_usage(f"--queue {text}: queue {name!r} is named twice")
        found[name] = int(slots) if equals else SLOTS
    return found or None
