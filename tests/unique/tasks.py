"""The tasks of the ledger of unique jobs."""

from __future__ import annotations

import os
import time

from proletarian import Job, Retry, Tasks, Unique
from tests.ledger import Ledger

tasks = Tasks(retry=Retry(5, delays=[0.05]))


def _note(job: Job, key: int) -> None:
    if path := os.environ.get("LEDGER"):
        from pathlib import Path

        Ledger(Path(path)).write("ran", job_id=str(job.job_id), type=job.job_type, key=key, attempts=job.attempts)
    time.sleep(0.01)
    if job.attempts == 1 and hash((key, job.process_at)) % 5 == 0:
        raise RuntimeError("some are retried")


@tasks.task(unique=Unique("key"))
def finished(job: Job, key: int) -> None:
    """At most one unfinished."""
    _note(job, key)


@tasks.task(unique=Unique("key", until="started"))
def started(job: Job, key: int) -> None:
    """At most one that waits; it sees what was changed before."""
    _note(job, key)
