"""A worker with schedules that tick fast: `python -m tests.schedules.clockwork URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proletarian import Tasks, Worker
from tests.ledger import Ledger

TENTHS = (1, 2, 3, 5)  # of a second, between the ticks
KEPT = "kept"  # a queue that nobody serves: what was enqueued stays there, to be counted


def clockwork() -> Tasks:
    """Schedules of which every tick counts."""
    tasks = Tasks(app="clockwork")

    @tasks.task
    def tick() -> None:
        """Never run here: its jobs stay in a queue that nobody serves."""

    for tenths in TENTHS:
        for number in range(3):
            tasks.schedule(tenths / 10, tick.using(queue=KEPT).job(), name=f"{tenths} {number}", missed="all")
    return tasks


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    Worker(url, clockwork(), log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
