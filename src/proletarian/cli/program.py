"""The `proletarian` program: its commands, and how it ends."""

from __future__ import annotations

from typing import Any

import click

from proletarian import __version__
from proletarian.cli.demo import demo
from proletarian.cli.doctor import doctor
from proletarian.cli.enqueue import enqueue
from proletarian.cli.failures import ending_in_words
from proletarian.cli.health import health
from proletarian.cli.jobs import jobs
from proletarian.cli.limits import limits
from proletarian.cli.migrate import migrate
from proletarian.cli.prune import prune
from proletarian.cli.queues import queues
from proletarian.cli.roles import roles
from proletarian.cli.schedules import schedules
from proletarian.cli.stats import stats
from proletarian.cli.status import status
from proletarian.cli.tasks import tasks
from proletarian.cli.web import web
from proletarian.cli.worker import worker
from proletarian.cli.workers import workers

EPILOG = """
\b
Exit codes:
  0   clean
  1   a check failed, or the named job or schedule does not exist
  2   wrong usage, or the application cannot be imported
  3   the database refuses us or cannot be reached, or its tables do not fit
  4   the worker stopped and gave back jobs that were still running
  70  a bug of ours
"""


class Program(click.Group):
    """A group of commands that end with a clear line and an exit code, whatever happens in them."""

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command that was asked for."""
        with ending_in_words(tracebacks=getattr(ctx.obj, "tracebacks", False)):
            return super().invoke(ctx)


# In a framework, too: see `Context`.
COMMANDS = [
    migrate,
    roles,
    worker,
    enqueue,
    jobs,
    queues,
    schedules,
    limits,
    workers,
    tasks,
    stats,
    status,
    doctor,
    prune,
]


@click.group(
    cls=Program,
    commands=[*COMMANDS, health, web, demo],
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EPILOG,
)
@click.version_option(__version__, prog_name="proletarian")
def main() -> None:
    """Durable background jobs on the database you already have."""
