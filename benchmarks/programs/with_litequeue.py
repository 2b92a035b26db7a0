# mypy: ignore-errors
"""litequeue on SQLite: a queue without a worker, so the loop is ours."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from litequeue import LiteQueue

from benchmarks.programs.contestant import URL, main, payload, record

FILE = URL.removeprefix("sqlite:///")


def worker() -> None:
    queue = LiteQueue(FILE, timeout=30)
    while True:
        message = queue.pop()
        if message is None:
            time.sleep(0.01)
            continue
        record(json.loads(message.data)["n"])
        queue.done(message.message_id)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    queue = LiteQueue(FILE, timeout=30)

    def put(number: int) -> None:
        queue.put(json.dumps(payload(number)))

    def put_many(numbers: list[int]) -> None:
        with queue.transaction():
            for number in numbers:
                put(number)

    yield SimpleNamespace(put=put, put_many=put_many)


main(setup=lambda: LiteQueue(FILE) and None, client=client, worker=worker)
