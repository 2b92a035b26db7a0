"""Tasks for workers in processes of their own; they write to a ledger what they do."""

from __future__ import annotations

import asyncio
import os
import signal
import time

from proletarian import Job, Retry, Tasks
from tests.ledger import Ledger


def tasks_for(ledger: Ledger) -> Tasks:
    """All kinds of handlers: quick and slow ones, good and bad ones."""
    tasks = Tasks()

    @tasks.task
    def note(n: int) -> None:
        ledger.write("ran", n=n)

    @tasks.task
    def sleep(job: Job, seconds: float) -> None:
        """Ignores that it should stop."""
        ledger.write("began", lost=job.lost, attempts=job.attempts)
        time.sleep(seconds)
        ledger.write("ended", told=job.stopping.is_set())

    @tasks.task
    def listen(job: Job, seconds: float) -> None:
        """Comes to an end as soon as it is told to, and fails then."""
        ledger.write("began", lost=job.lost, attempts=job.attempts)
        if job.stopping.wait(seconds):
            ledger.write("told", why=job.stopping.why)
            raise InterruptedError("told to stop")
        ledger.write("ended")

    @tasks.task
    async def asleep(job: Job, seconds: float) -> None:
        ledger.write("began", lost=job.lost, attempts=job.attempts)
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            ledger.write("cancelled")
            raise
        ledger.write("ended")

    @tasks.task
    async def deaf(job: Job, seconds: float) -> None:
        """A coroutine that swallows its cancellation."""
        ledger.write("began", lost=job.lost, attempts=job.attempts)
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                await asyncio.sleep(0.05)
            except asyncio.CancelledError:
                ledger.write("cancelled")
        ledger.write("ended")

    @tasks.task(retry=Retry(5))
    def deadly(job: Job) -> None:
        ledger.write("began", lost=job.lost, attempts=job.attempts)
        os.kill(os.getpid(), signal.SIGKILL)

    return tasks
