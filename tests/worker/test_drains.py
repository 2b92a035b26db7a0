"""`Worker.drain()` returns when nothing is due any more, in any of its queues: not sooner."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from proletarian import Job, NewJob, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

ROUNDS = 6
JOBS = 20


def named(count: int) -> list[str]:
    return [f"queue-{number:02}" for number in range(count)]


@pytest.mark.parametrize("slots", [1, 10])
@pytest.mark.parametrize("queues", [1, 2, 64])
def test_no_job_is_left_behind_in_any_round(
    queues: int, slots: int, database: PrivateDatabase, workers: Workers
) -> None:
    """One queue has jobs and the others have none, which once ended the drain after the first of two looks."""
    names = named(queues)
    left = []
    for round_ in range(ROUNDS):
        busy = names[round_ % 2 % queues]
        database.put(*(NewJob("note", {"n": n}, queue=busy, priority=n % 3) for n in range(JOBS)))
        workers.drain(lambda job: None, queues=dict.fromkeys(names, slots))
        left.append(database.count("job") + database.count("running_job"))

    assert left == [0] * ROUNDS


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_jobs_that_jobs_enqueue_in_other_queues_run_too(
    kind: str, database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    """The last run of a queue may be the one that fills another."""
    names = named(3)

    def follow(level: int) -> None:
        if level:
            queue, lower = names[level % 3], level % 2
            database.put(follow_task.using(queue=queue, priority=lower).job(level=level - 1))

    if kind == "plain":
        follow_task = tasks.task(follow)
    else:

        async def follow_async(level: int) -> None:
            await asyncio.to_thread(follow, level)

        follow_task = tasks.task(follow_async)
    for _ in range(ROUNDS):
        database.put(follow_task.using(queue=names[0]).job(level=5))

        assert workers.drain(tasks, queues=dict.fromkeys(names, 2)) == 6


@pytest.mark.parametrize("kind", ["plain", "async"])
def test_a_run_is_told_to_have_ended_once_its_end_is_in_the_database(kind: str, sqlite: PrivateDatabase) -> None:
    archived = []

    def log(event: str, data: Mapping[str, Any]) -> None:
        if event == "job.succeeded":
            archived.append(sqlite.count("archived_job"))

    async def handle(job: Job) -> None:
        await asyncio.sleep(0)

    sqlite.put(NewJob("note"))
    Worker(sqlite.url, handle if kind == "async" else lambda job: None, log=log).drain()

    assert archived == [1]
    assert sqlite.count("running_job") == 0
