"""A worker whose jobs take steps: `python -m tests.steps.crew URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from proletarian import Job, Retry, Tasks, Worker
from tests.ledger import Ledger

STEPS = 4


def crew(ledger: Ledger) -> Tasks:
    """Jobs of a few steps; what each returns is drawn by lot, so that one that is done again is seen."""
    tasks = Tasks(retry=Retry(50, delays=[0.01]))

    @tasks.task
    def ship(job: Job) -> None:
        for number in range(STEPS):
            value = job.step(f"step {number}", random.getrandbits, 60)
            ledger.write("used", job_id=str(job.job_id), step=number, value=value)
            time.sleep(0.005)
            if random.random() < 0.1:
                raise RuntimeError("some are retried")
        ledger.write("done", job_id=str(job.job_id))

    return tasks


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        if event in ("worker.started", "job.failed"):
            ledger.write(event, error=str(data.get("error")))

    Worker(url, crew(ledger), log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
