# mypy: ignore-errors
"""Absurd, its async worker."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

from absurd_sdk import AsyncAbsurd

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

CONCURRENCY = OPTIONS.get("concurrency", 10)


def setup() -> None:
    command = Path(sys.executable).parent / "absurdctl"
    subprocess.run([command, "init", "-d", URL], check=True)
    subprocess.run([command, "create-queue", "-d", URL, "default"], check=True)


async def worker() -> None:
    absurd = AsyncAbsurd(URL, queue_name="default")

    @absurd.register_task(name="hit")
    async def hit(parameters, context) -> None:
        record(parameters["n"])

    await absurd.start_worker(concurrency=CONCURRENCY, batch_size=OPTIONS.get("batch_size", CONCURRENCY))


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    absurd = AsyncAbsurd(URL, queue_name="default")

    async def put(number: int) -> None:
        await absurd.spawn("hit", payload(number), queue="default")

    yield SimpleNamespace(put=put)
    await absurd.close()


main(setup=setup, client=client, worker=worker)
