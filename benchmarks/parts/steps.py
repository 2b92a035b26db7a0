"""Jobs with steps, compared with plain ones: what a stored result costs, one job at a time and many at once."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.measured import Found, Table
from benchmarks.parts.unique import connected
from benchmarks.run import Run
from benchmarks.stores import NAMES, store

PLAIN, ONE, FIVE = "no step", "one step", "five steps"
STEPS = {PLAIN: 0, ONE: 1, FIVE: 5}


def measure(run: Run) -> list[Found]:
    """In turn within each round, each on a fresh database."""
    found: list[Found] = []
    jobs = run.size(5_000, 500)
    for name in NAMES:
        for slots in (1, 50):
            some = jobs if slots > 1 else jobs // 5
            table = Table(
                f"steps-{name}-{slots}", f"{NAMES[name]}: {some:,} jobs, {slots} at a time", "jobs/s", ours=ONE
            )
            with store(name, run.folder) as here:
                for _ in range(run.rounds):
                    for label, steps in STEPS.items():
                        with connected(here) as connection:
                            table.add(label, some / drained(connection, here.url, some, slots, steps))
            found.append(table)
    return found


def drained(connection: Any, url: str, jobs: int, slots: int, steps: int) -> float:
    """Seconds until all have run."""
    from proletarian import NewJob, Worker, enqueue_many
    from proletarian.events import silent

    def handle(job: Any) -> None:
        for step in range(steps):
            job.step(f"step {step}", int, 7)

    enqueue_many(connection, [NewJob("part") for _ in range(jobs)])
    connection.commit()
    started = time.perf_counter()
    count = Worker(url, handle, queues={"default": slots}, log=silent).drain()
    if count != jobs:
        raise AssertionError(f"{count} of {jobs} jobs have run")
    return time.perf_counter() - started
