"""A batch with one job at its end, and the same jobs without it: enqueued in one call, and run by one worker."""

from __future__ import annotations

import time
from typing import Any

from benchmarks.measured import Found, Table
from benchmarks.parts.unique import connected
from benchmarks.run import Run
from benchmarks.stores import NAMES, store

PLAIN, BATCH = "plain jobs", "as many, and one that waits for all of them"


def measure(run: Run) -> list[Found]:
    """In turn within each round, each on a fresh database."""
    found: list[Found] = []
    for name in NAMES:
        members = run.size(100_000, 5_000) if name == "postgresql" else run.size(10_000, 2_000)
        enqueues = Table(f"flows-{name}-enqueue", f"{NAMES[name]}: {members:,} in one call", "jobs/s", ours=BATCH)
        runs = Table(f"flows-{name}-run", f"{NAMES[name]}: {members:,} run by one worker", "jobs/s", ours=BATCH)
        with store(name, run.folder) as here:
            for _ in range(run.rounds):
                for label in (PLAIN, BATCH):
                    with connected(here) as connection:
                        enqueues.add(label, members / enqueued(connection, members, label == BATCH))
                        here.settle()
                        runs.add(label, members / drained(here.url, members + (label == BATCH)))
        found += [enqueues, runs]
    return found


def enqueued(connection: Any, members: int, batch: bool) -> float:
    """Seconds to enqueue."""
    from proletarian import Flow, NewJob, enqueue_many

    jobs = [NewJob("part", {"n": n}) for n in range(members)]
    flow = Flow()
    if batch:
        flow.add(NewJob("end"), after=[flow.add(job) for job in jobs])
    started = time.perf_counter()
    if batch:
        flow.enqueue(connection)
    else:
        enqueue_many(connection, jobs)
    connection.commit()
    return time.perf_counter() - started


def drained(url: str, expected: int) -> float:
    """Seconds until all have run. Checks that they did, and that the job that waits ran last."""
    from proletarian import Worker
    from proletarian.events import silent

    ran: list[str] = []

    def handle(job: Any) -> None:
        ran.append(job.job_type)

    started = time.perf_counter()
    count = Worker(url, handle, log=silent).drain()
    took = time.perf_counter() - started
    if count != expected or len(ran) != expected or "end" in ran[:-1]:
        raise AssertionError(f"{len(ran)} of {expected} jobs have run, the last being {ran[-1:]}")
    return took
