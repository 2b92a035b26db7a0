"""Handlers that misbehave cost themselves only."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from proletarian import Job, LeaseLost, NewJob, Queue, Sizes, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt, GeneratorExit, BaseException, MemoryError])
@pytest.mark.parametrize("is_async", [False, True])
def test_whatever_a_handler_raises_is_its_own_failure(
    sqlite: PrivateDatabase, error: type[BaseException], is_async: bool
) -> None:
    tasks = Tasks()

    @tasks.task
    def bad() -> None:
        raise error

    @tasks.task
    async def abad() -> None:
        raise error

    @tasks.task
    def good() -> None: ...

    sqlite.put(NewJob("abad" if is_async else "bad"), NewJob("good"), NewJob("good"))
    Worker(sqlite.url, tasks, queues={"default": 1}).drain()

    assert sorted(status for (status,) in sqlite.archive("status")) == ["failure", "success", "success"]


@pytest.mark.parametrize("error", [SystemExit, KeyboardInterrupt])
def test_what_a_task_of_a_coroutine_raises_does_not_end_the_others(
    sqlite: PrivateDatabase, error: type[BaseException]
) -> None:
    tasks = Tasks()

    @tasks.task
    async def bad() -> None:
        async def part() -> None:
            raise error

        await asyncio.create_task(part())

    @tasks.task
    async def good() -> None:
        await asyncio.sleep(0.1)

    sqlite.put(NewJob("good"), NewJob("bad"), NewJob("good"))
    Worker(sqlite.url, tasks).drain()
    sqlite.put(NewJob("good"))
    Worker(sqlite.url, tasks).drain()

    assert sorted(status for (status,) in sqlite.archive("status")) == ["failure", "success", "success", "success"]


def test_a_child_that_comes_back_from_a_handler_runs_none_of_the_jobs(sqlite: PrivateDatabase, tmp_path: Path) -> None:
    tasks = Tasks()
    ran = tmp_path / "ran"
    parent = os.getpid()

    def note(text: str) -> None:
        file = os.open(ran, os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(file, f"{text}\n".encode())
        os.close(file)

    @tasks.task
    def fork(n: int) -> None:
        note(f"{n} {os.getpid() == parent}")
        if n == 0:
            if child := os.fork():
                os.waitpid(child, 0)
            else:
                return

    sqlite.put(*[fork.job(n=n) for n in range(20)])
    Worker(sqlite.url, tasks, queues={"default": 1}).drain()

    lines = ran.read_text().split("\n")[:-1]
    assert len(lines) == 20
    assert all(line.endswith("True") for line in lines)


def test_a_log_that_raises_costs_a_line_and_no_job(sqlite: PrivateDatabase) -> None:
    def log(event: str, data: dict[str, Any]) -> None:
        raise ValueError(event)

    sqlite.put(NewJob("a"), NewJob("b"))
    Worker(sqlite.url, lambda job: None, log=log).drain()

    assert sqlite.archive("status") == [("success",), ("success",)]


def test_a_result_that_is_too_large_is_a_failure_in_clear_words(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks(queue=Queue(sizes=Sizes(result=1000)))

    @tasks.task(keep_result=True)
    def large(n: int) -> str:
        return "x" * n

    database.put(large.job(n=10_000_000), large.job(n=10))
    workers.drain(tasks)

    assert sorted(status for (status,) in database.archive("status")) == ["failure", "success"]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE status = 'failure'")
    assert "store it elsewhere and return its key" in errors


def test_many_large_outcomes_of_one_moment_are_written_in_portions(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(keep_result=True)
    def large() -> str:
        return "x" * 900_000

    database.put(*[large.job() for _ in range(30)])
    workers.drain(tasks, queues={"default": 30})

    assert [size for (size,) in database.archive("length(result)")] == [900_002] * 30


def test_after_a_lost_lease_nobody_says_success(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen: list[str] = []

    @tasks.task
    def late(job: Job) -> None:
        if seen:
            return
        database.rows(f"DELETE FROM {database.table('worker')}")  # declared dead
        wait_until(lambda: database.count("job") + len(workers.recorder.of("job.released")) > 0)
        with database.connection() as connection:
            try:
                job.complete(connection)
            except LeaseLost:
                seen.append("lost")
                connection.rollback()
                raise

    database.put(late.job())
    with workers.running(tasks, queues={"default": 1}):
        workers.archived()
        wait_until(lambda: workers.recorder.of("job.lease_lost"))

    assert seen == ["lost"]
    # Its worker has no row: whether the handler had begun is not known, and only begun runs count as lost.
    assert database.archive("status", "lost") == [("success", 0)]
    assert len(workers.recorder.of("job.succeeded")) == 1
