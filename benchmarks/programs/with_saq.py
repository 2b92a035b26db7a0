# mypy: ignore-errors
"""SAQ, on Redis or on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from saq import Queue, Worker

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record


async def hit(context, *, n: int, email: str) -> None:
    record(n)


async def setup() -> None:
    queue = Queue.from_url(URL)
    await queue.connect()
    await queue.disconnect()


async def worker() -> None:
    queue = Queue.from_url(URL)
    await queue.connect()
    await Worker(queue, [("hit", hit)], concurrency=OPTIONS.get("concurrency", 10)).start()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    queue = Queue.from_url(URL)
    await queue.connect()

    async def put(number: int) -> None:
        await queue.enqueue("hit", **payload(number), ttl=-1)

    yield SimpleNamespace(put=put)
    await queue.disconnect()


main(setup=setup, client=client, worker=worker)
