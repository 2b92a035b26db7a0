"""A worker whose handlers say when they begin and end: `python -m tests.limits.program URL LEDGER OPTIONS`."""

from __future__ import annotations

import json
import random
import sys
import time
from pathlib import Path
from typing import Any

from proletarian import Job, Limit, Retry, Tasks, Worker
from tests.ledger import Ledger

LIMITS = {"pair": 2, "row": 1, "pool": 3}  # how many of each lane's name may run at a time


def tasks_for(ledger: Ledger) -> Tasks:
    """Tasks under each kind of limit."""
    tasks = Tasks(retry=Retry(1000, delays=[0.02]))
    pool = Limit(LIMITS["pool"], name="pool")

    def work(job: Job, lane: str, n: int) -> None:
        ledger.write("lane.entered", lane=lane, n=n)
        time.sleep(random.random() * 0.02)
        fails = random.random() < 0.2
        ledger.write("lane.left", lane=lane, n=n)
        if fails:
            raise ValueError("not yet")

    @tasks.task(limit=Limit(LIMITS["pair"], per="account"))
    def pair(job: Job, account: int, n: int) -> None:
        work(job, f"pair:{account}", n)

    @tasks.task(limit=Limit(LIMITS["row"], per="account", ordered=True))
    def row(job: Job, account: int, n: int) -> None:
        work(job, f"row:{account}", n)

    @tasks.task(limit=pool)
    def one(job: Job, n: int) -> None:
        work(job, "pool", n)

    @tasks.task(limit=pool)
    async def other(job: Job, n: int) -> None:
        work(job, "pool", n)

    return tasks


def main() -> None:
    url, path, options = sys.argv[1:]
    ledger = Ledger(Path(path))

    def log(event: str, data: dict[str, Any]) -> None:
        if event in ("worker.started", "worker.declared_dead", "worker.failed", "job.given_up", "job.lease_lost"):
            ledger.write(event, **data)

    Worker(url, tasks_for(ledger), log=log, **json.loads(options)).run()


if __name__ == "__main__":
    main()
