"""
Three long jobs, and what each of them does when its worker is told to stop.

The job type selects the function: `Tasks` maps one to the other.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import closing

from examples.database import connect
from proletarian import Job, Tasks

tasks = Tasks()


@tasks.task
async def handles_the_interrupt(seconds: float) -> None:
    """A coroutine is cancelled when the time to stop is over; it can clean up first."""
    print("handles_the_interrupt: started", flush=True)
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        print("handles_the_interrupt: cancelled, cleaning up", flush=True)
        raise  # so that the job goes back to its queue
    print("handles_the_interrupt: done", flush=True)


@tasks.task
def checks_between_chunks(job: Job, chunks: int, first: int = 0) -> None:
    """A plain function is asked to stop; it checks between two chunks, and hands over the rest."""
    for chunk in range(first, chunks):
        if job.stopping.is_set():
            print(f"checks_between_chunks: asked to stop, the rest starts at chunk {chunk}", flush=True)
            with closing(connect()) as connection:
                checks_between_chunks.enqueue(connection, chunks=chunks, first=chunk)
                job.complete(connection)  # in one transaction: this job ends, and another one has the rest
                connection.commit()
            return
        print(f"checks_between_chunks: chunk {chunk}", flush=True)
        time.sleep(0.5)
    print("checks_between_chunks: done", flush=True)


@tasks.task
def ignores_it(seconds: float) -> None:
    """A plain function that does not check; its job is given back while it runs."""
    print("ignores_it: started", flush=True)
    time.sleep(seconds)
    print("ignores_it: done", flush=True)
