"""A worker for jobs under limits and jobs of flows: `python -m tests.faults.orderly URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from proletarian import Worker
from tests.flows.crew import crew
from tests.ledger import Ledger
from tests.limits.program import tasks_for

TOLD = ("worker.started", "worker.liveness", "worker.declared_dead", "database.unavailable", "database.recovered",
        "database.contended", "job.id_taken", "job.unrecordable", "job.given_up", "pump.failed")  # fmt: skip


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        if event in TOLD:
            ledger.write(event, **data)

    both = tasks_for(ledger).within(lambda job, call_next: call_next(job), crew(ledger))
    Worker(url, both, log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
