"""No queue at all: the same work as the jobs, on as many threads or coroutines, as fast as possible."""

from __future__ import annotations

import asyncio
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from benchmarks.programs import work
from benchmarks.programs.contestant import OPTIONS, main, record, together

JOBS: int = OPTIONS.get("jobs", 0)
SLOTS: int = OPTIONS.get("slots", 10)


def loop() -> dict[str, float]:
    record.ready()
    together("workers", int(sys.argv[2]))
    start = time.perf_counter()
    if OPTIONS["task"] == "afetch":
        asyncio.run(coroutines())
    else:
        call = getattr(work, OPTIONS["task"])

        def one(number: int) -> None:
            record(number)
            call()

        with ThreadPoolExecutor(SLOTS) as threads:
            for _ in threads.map(one, range(JOBS)):
                pass
    return {"rate": JOBS / (time.perf_counter() - start)}


async def coroutines() -> None:
    numbers = iter(range(JOBS))

    async def one_slot() -> None:
        for number in numbers:
            record(number)
            await work.afetch()

    await asyncio.gather(*(one_slot() for _ in range(SLOTS)))


main(commands={"loop": loop})
