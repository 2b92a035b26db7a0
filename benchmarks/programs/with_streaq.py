# mypy: ignore-errors
"""streaQ on Redis streams."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from streaq import Worker

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

streaq = Worker(redis_url=URL, concurrency=OPTIONS.get("concurrency", 10))


@streaq.task(name="hit", ttl=0)
async def hit(n: int, email: str) -> None:
    record(n)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    async with streaq:

        async def put(number: int) -> None:
            await hit.enqueue(**payload(number))

        async def put_many(numbers: list[int]) -> None:
            await streaq.enqueue_many([hit.enqueue(**payload(number)) for number in numbers])

        yield SimpleNamespace(put=put, put_many=put_many)


main(client=client, worker=streaq.run_sync)
