# mypy: ignore-errors
"""Chancy with its async executor."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from chancy import Chancy, Queue, Worker, job

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

quiet = logging.getLogger("quiet")  # Chancy's own logger writes a line for each job
quiet.setLevel(logging.ERROR)
queue = Queue(
    name="default", concurrency=OPTIONS.get("concurrency", 10), executor=Chancy.Executor.Async, eager_polling=True
)


@job(queue="default")
async def hit(*, n: int, email: str) -> None:
    record(n)


async def setup() -> None:
    async with Chancy(URL, log=quiet) as chancy:
        await chancy.migrate()
        await chancy.declare(queue, upsert=True)


async def worker() -> None:
    async with Chancy(URL, log=quiet) as chancy:
        await chancy.declare(queue, upsert=True)
        async with Worker(chancy) as running:
            await running.wait_for_shutdown()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    async with Chancy(URL, log=quiet) as chancy:

        async def put(number: int) -> None:
            await chancy.push(hit.job.with_kwargs(**payload(number)))

        async def put_many(numbers: list[int]) -> None:
            jobs = [hit.job.with_kwargs(**payload(number)) for number in numbers]
            async for _ in chancy.push_many(jobs, batch_size=1000):
                pass

        yield SimpleNamespace(put=put, put_many=put_many)


if __name__ == "__main__":
    main(setup=setup, client=client, worker=worker)
