# mypy: ignore-errors
"""PgQueuer on asyncpg and uvloop, as its documentation recommends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import asyncpg
import uvloop
from pgqueuer import PgQueuer
from pgqueuer.db import AsyncpgDriver
from pgqueuer.queries import Queries

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record


def encoded(number: int) -> bytes:
    return json.dumps(payload(number)).encode()


async def setup() -> None:
    connection = await asyncpg.connect(URL)
    await Queries(AsyncpgDriver(connection)).install()
    await connection.close()


async def worker() -> None:
    connection = await asyncpg.connect(URL)
    queuer = PgQueuer(AsyncpgDriver(connection))

    @queuer.entrypoint("hit")
    async def hit(job) -> None:
        record(json.loads(job.payload)["n"])
        if "seconds" in OPTIONS:
            await asyncio.sleep(OPTIONS["seconds"])

    await queuer.run(batch_size=OPTIONS.get("batch_size", 10))


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    connection = await asyncpg.connect(URL)
    queries = Queries(AsyncpgDriver(connection))

    async def put(number: int) -> None:
        await queries.enqueue("hit", encoded(number))

    async def put_many(numbers: list[int]) -> None:
        await queries.enqueue(["hit"] * len(numbers), [encoded(n) for n in numbers], [0] * len(numbers))

    yield SimpleNamespace(put=put, put_many=put_many)
    await connection.close()


main(setup=setup, client=client, worker=worker, runner=uvloop.run)
