"""A worker for the ledger of flows: `python -m tests.flows.crew URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from proletarian import Job, NewJob, Tasks, Worker
from tests.ledger import Ledger


def crew(ledger: Ledger) -> Tasks:
    """Jobs that write down when they ran, and fail or are followed by another one if they are told to."""
    tasks = Tasks()

    @tasks.task
    def work(job: Job, fails: bool = False, then: bool = False) -> int:
        ledger.write("began", job_id=str(job.job_id), results=len(job.results))
        time.sleep(random.uniform(0, 0.01))
        if then:
            job.then(NewJob("follow", {"of": str(job.job_id)}))
        ledger.write("done", job_id=str(job.job_id))
        if fails:
            raise RuntimeError("some fail")
        return 1

    @tasks.task
    def follow(of: str) -> None:
        ledger.write("followed", of=of)

    return tasks


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        if event in ("worker.started", "job.id_taken", "job.unrecordable"):
            ledger.write(event)

    Worker(url, crew(ledger), log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
