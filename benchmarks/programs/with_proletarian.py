"""Proletarian, ours: on any of its databases, with the defaults unless an option says otherwise."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from contestant import OPTIONS, URL, main, payload, record
from opened import opened

from proletarian import UUID7, Tasks, Worker, enqueue_many, migrate

tasks = Tasks()
new_id = UUID7().generate
PLAIN_INSERT = "INSERT INTO proletarian.job (job_id, queue, job_type, payload) VALUES (%s, 'default', 'hit', %s)"


@tasks.task
def hit(n: int, email: str) -> None:
    record(n)


@tasks.task
async def ahit(n: int, email: str) -> None:
    record(n)


def worker() -> None:
    record.ready()
    Worker(URL, tasks, **OPTIONS.get("worker", {})).run()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    task = ahit if OPTIONS.get("async") else hit
    with opened(URL) as connection:

        def put(number: int) -> None:
            task.enqueue(connection, **payload(number))

        def put_plainly(number: int) -> None:
            values = (new_id(), json.dumps(payload(number)))
            connection.execute(PLAIN_INSERT, values)

        def put_many(numbers: list[int]) -> None:
            connection.execute("BEGIN")
            enqueue_many(connection, [task.job(**payload(number)) for number in numbers])
            connection.execute("COMMIT")

        yield SimpleNamespace(put=put_plainly if OPTIONS.get("plain") else put, put_many=put_many)


if __name__ == "__main__":
    main(setup=lambda: migrate(URL), client=client, worker=worker)
