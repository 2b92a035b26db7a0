# mypy: ignore-errors
"""Procrastinate on psycopg, with an async task."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import procrastinate

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

CONCURRENCY = OPTIONS.get("concurrency", 10)
app = procrastinate.App(connector=procrastinate.PsycopgConnector(conninfo=URL, min_size=4, max_size=CONCURRENCY + 2))


@app.task(name="hit")
async def hit(n, email):
    record(n)


async def setup() -> None:
    async with app.open_async():
        await app.schema_manager.apply_schema_async()


async def worker() -> None:
    async with app.open_async():
        await app.run_worker_async(concurrency=CONCURRENCY)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    async with app.open_async():

        async def put(number: int) -> None:
            await hit.defer_async(**payload(number))

        async def put_many(numbers: list[int]) -> None:
            await hit.batch_defer_async(*[payload(number) for number in numbers])

        yield SimpleNamespace(put=put, put_many=put_many)


main(setup=setup, client=client, worker=worker)
