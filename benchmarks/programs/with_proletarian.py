"""Proletarian (ours) on any of its databases, with the defaults unless an option says otherwise."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from benchmarks.programs import work
from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record
from benchmarks.programs.opened import opened
from proletarian import UUID7, Limit, Processes, Tasks, Worker, enqueue_many, migrate

tasks = Tasks()
new_id = UUID7().generate
PLAIN_INSERT = "INSERT INTO proletarian.job (job_id, queue, job_type, payload) VALUES (%s, 'default', 'hit', %s)"
LANES, AT_A_TIME = OPTIONS.get("lanes", (0, 0))
LIMIT = Limit(AT_A_TIME, per=lambda payload: payload["n"] % LANES) if LANES else None
QUEUES: list[str] = list(OPTIONS.get("worker", {}).get("queues", ["default"]))


@tasks.task(limit=LIMIT)
def hit(n: int, email: str, filler: str = "") -> None:
    record(n)


@tasks.task
async def ahit(n: int, email: str, filler: str = "") -> None:
    record(n)


@tasks.task
def nap(n: int, email: str, filler: str = "") -> None:
    record(n)
    time.sleep(OPTIONS["seconds"])


@tasks.task
async def anap(n: int, email: str, filler: str = "") -> None:
    record(n)
    await asyncio.sleep(OPTIONS["seconds"])


@tasks.task
def compute(n: int, email: str) -> None:
    record(n)
    work.compute()


@tasks.task
def fetch(n: int, email: str) -> None:
    record(n)
    work.fetch()


@tasks.task
async def afetch(n: int, email: str) -> None:
    record(n)
    await work.afetch()


def worker() -> None:
    record.ready()
    options = dict(OPTIONS.get("worker", {}))
    if processes := OPTIONS.get("processes"):
        options["queues"] = {"default": Processes(processes)}
    Worker(URL, tasks, **options).run()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    task = tasks[OPTIONS.get("task", "hit")]
    by_queue = [task.using(queue=queue) for queue in QUEUES]
    with opened(URL) as connection:

        def put(number: int) -> None:
            task.enqueue(connection, **payload(number))

        def put_plainly(number: int) -> None:
            connection.execute(PLAIN_INSERT, (new_id(), json.dumps(payload(number))))

        def put_many(numbers: list[int]) -> None:
            connection.execute("BEGIN")
            jobs = [by_queue[number % len(by_queue)].job(**payload(number)) for number in numbers]
            enqueue_many(connection, jobs)
            connection.execute("COMMIT")

        yield SimpleNamespace(put=put_plainly if OPTIONS.get("plain") else put, put_many=put_many)


if __name__ == "__main__":
    main(setup=lambda: migrate(URL), client=client, worker=worker)
