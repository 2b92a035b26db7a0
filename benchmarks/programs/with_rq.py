# mypy: ignore-errors
"""RQ on Redis, with its worker that does not fork for each job."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from redis import Redis
from rq import Queue
from rq.worker import SimpleWorker

from benchmarks.programs.contestant import URL, main, payload
from benchmarks.programs.rq_hit import hit


def worker() -> None:
    connection = Redis.from_url(URL)
    SimpleWorker([Queue("default", connection=connection)], connection=connection).work(logging_level="ERROR")


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    queue = Queue("default", connection=Redis.from_url(URL))

    def put(number: int) -> None:
        queue.enqueue(hit, kwargs=payload(number), result_ttl=0)

    def put_many(numbers: list[int]) -> None:
        queue.enqueue_many([Queue.prepare_data(hit, kwargs=payload(number), result_ttl=0) for number in numbers])

    yield SimpleNamespace(put=put, put_many=put_many)


main(client=client, worker=worker)
