"""The demo with a dashboard: a database full of live jobs, failures and schedules, and two workers, until Ctrl-C."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import webbrowser
from collections.abc import Callable
from pathlib import Path

from proletarian.connections.database import Database
from proletarian.demo.crew import Crewman
from proletarian.demo.day import Trade, yesterday
from proletarian.demo.shop import QUEUES, tasks
from proletarian.demo.show import ending_on_sigterm
from proletarian.drivers.registry import redacted
from proletarian.errors import ConfigurationError
from proletarian.looking.surveying import queue_stats
from proletarian.migration import migrate

WORKERS = 2
STORY = "A shop with a steady stream of orders; two workers run its jobs, and some of them fail. Ctrl-C stops it."


def run(url: str | None, *, port: int, opens: bool, say: Callable[[str], None]) -> None:
    """Run it on the database at `url`, or on its own SQLite file."""
    from proletarian.web import Access
    from proletarian.web.serving import serve

    with contextlib.ExitStack() as stage:
        stage.enter_context(ending_on_sigterm())
        folder = Path(stage.enter_context(tempfile.TemporaryDirectory(prefix="proletarian-demo-")))
        url = url or f"sqlite:///{folder}/shop.db"
        migrate(url)
        require_quiet(url)
        yesterday(url)
        trade = Trade(url)
        for number in range(1, WORKERS + 1):
            man = Crewman(
                number,
                database=url,
                folder=folder,
                target="proletarian.demo.shop:tasks",
                queues=QUEUES,
                log_level="error",
            )
            stage.callback(man.close)
        trade.start()
        stage.callback(trade.close)
        say(STORY)

        def told(line: str) -> None:
            say(line)
            if opens and "?token=" in line and sys.stdout.isatty():
                webbrowser.open(line.split()[-1])

        serve(
            Database(url, tasks.queue), tasks, host="127.0.0.1", port=port, passwords={}, insecure=False,
            access=Access.admin, trusted_origins=(), at_most=5.0, say=told,
        )  # fmt: skip


def require_quiet(url: str) -> None:
    """Raise `ConfigurationError` for a database that is in use."""
    database = Database(url)
    for stats in database.run(queue_stats(database.queue, database.kind, most=1)):
        if stats.waiting or stats.running:
            raise ConfigurationError(
                f"{redacted(url)} has other jobs, in queue {stats.queue!r}: give the demo a database that nothing "
                f"else uses"
            )
