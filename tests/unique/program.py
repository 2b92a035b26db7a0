"""A worker of the ledger."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from proletarian import Worker
from tests.ledger import Ledger
from tests.unique.tasks import tasks

if __name__ == "__main__":
    url, path = sys.argv[1:]
    os.environ["LEDGER"] = path
    ledger = Ledger(Path(path))

    def log(event: str, known: object) -> None:
        if event == "worker.started":
            ledger.write(event)

    Worker(url, tasks, queues={"default": 4}, heartbeat=0.5, lost_after=2.0, log=log).run()
