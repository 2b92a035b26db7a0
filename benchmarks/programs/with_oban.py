# mypy: ignore-errors
"""Oban for Python on psycopg, with uvloop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import uvloop
from oban import Oban
from oban import worker as oban_worker
from oban.schema import install
from psycopg_pool import AsyncConnectionPool

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

LIMIT = OPTIONS.get("limit", 10)


@oban_worker(queue="default")
class Hit:
    async def process(self, job):
        record(job.args["n"])


@asynccontextmanager
async def connections() -> AsyncIterator[AsyncConnectionPool]:
    async with AsyncConnectionPool(URL, min_size=4, max_size=10, open=False) as pool:
        yield pool


async def setup() -> None:
    async with connections() as pool:
        await install(pool)


async def worker() -> None:
    async with connections() as pool, Oban(pool=pool, queues={"default": LIMIT}):
        await asyncio.Event().wait()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    async with connections() as pool, Oban(pool=pool) as oban:

        async def put(number: int) -> None:
            await oban.enqueue(Hit.new(payload(number)))

        async def put_many(numbers: list[int]) -> None:
            await oban.enqueue_many(*[Hit.new(payload(number)) for number in numbers])

        yield SimpleNamespace(put=put, put_many=put_many)


main(setup=setup, client=client, worker=worker, runner=uvloop.run)
