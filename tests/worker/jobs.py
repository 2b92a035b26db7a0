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

    @tasks.task
    def quick(n: int) -> None:
        time.sleep(0.001)
        ledger.write("ran", n=n)

    @tasks.task
    def slow(n: int) -> None:
        time.sleep(0.3)
        ledger.write("ran", n=n)

    @tasks.task
    async def in_a_loop(n: int) -> None:
        await asyncio.sleep(0.1)
        ledger.write("ran", n=n)

    @tasks.task
    def compute(seconds: float) -> None:
        """Lets others have the interpreter only when they insist."""
        ledger.write("began")
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            sum(range(1000))

    @tasks.task
    def poison(after: float = 0.0) -> None:
        time.sleep(after)
        os._exit(9)  # as a crash of the interpreter does, or the killer of those who take too much memory

    @tasks.task(lost_limit=1)
    def strong_poison() -> None:
        os._exit(9)

    @tasks.task
    async def poison_in_a_loop() -> None:
        await asyncio.sleep(0.02)
        os._exit(9)

    return tasks
