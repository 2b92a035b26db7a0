"""Which job runs here, for code that was not handed it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing
from typing import Any

import pytest

from proletarian import Job, Tasks, current_job, process_next_job
from proletarian.testing import adrain, create_tables, drain, inline
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


class Askers:
    """Handlers of each sort that ask which job they are."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.seen: list[tuple[str, Any]] = []

        @tasks.task
        def plain(who: str) -> None:
            self.note()

        @tasks.task
        async def coroutine(who: str) -> None:
            await asyncio.sleep(0.001)
            self.note()
            await asyncio.to_thread(self.note)

        @tasks.task
        def hidden(who: str) -> Any:
            return coroutine.function(who)

        self.all: list[Any] = [plain, coroutine, hidden]

    def note(self) -> None:
        """What a log filter far below does."""
        job = current_job()
        assert job is not None
        self.seen.append((job.job_type, job.payload["who"]))


EXPECTED = sorted([("plain", "plain"), *[("coroutine", "coroutine")] * 2, *[("hidden", "hidden")] * 2])


@pytest.fixture
def askers(tasks: Tasks) -> Askers:
    """Those handlers."""
    return Askers(tasks)


def put(connection: Any, askers: Askers) -> None:
    for task in askers.all:
        task.enqueue(connection, who=task.name)
    connection.commit()


def by_worker(database: PrivateDatabase, askers: Askers) -> None:
    Workers(database, lambda event, data: None).drain(askers.tasks)  # type: ignore[arg-type]


def by_process_next_job(database: PrivateDatabase, askers: Askers) -> None:
    while process_next_job(database.url, askers.tasks):
        pass


def by_drain(database: PrivateDatabase, askers: Askers) -> None:
    with database.connection() as connection:
        drain(connection, askers.tasks)


@pytest.mark.parametrize("run", [by_worker, by_process_next_job, by_drain])
def test_code_below_a_handler_finds_its_job(
    sqlite: PrivateDatabase, askers: Askers, run: Callable[[PrivateDatabase, Askers], None]
) -> None:
    with sqlite.connection() as connection:
        put(connection, askers)
    run(sqlite, askers)

    assert sorted(askers.seen) == EXPECTED
    assert current_job() is None


def test_also_in_a_test_that_drains_in_its_event_loop(sqlite: PrivateDatabase, askers: Askers) -> None:
    import aiosqlite

    async def run() -> None:
        async with aiosqlite.connect(sqlite.url.removeprefix("sqlite:///")) as connection:
            for task in askers.all:
                await task.aenqueue(connection, who=task.name)
            await adrain(connection, askers.tasks)
            assert current_job() is None

    asyncio.run(run())

    assert sorted(askers.seen) == EXPECTED


def test_also_inline_and_only_there(tasks: Tasks) -> None:
    seen: list[str] = []

    @tasks.task
    def inner() -> None:
        seen.append(name())

    @tasks.task
    def outer(job: Job) -> None:
        assert current_job() is job
        inner()  # called, not enqueued: it belongs to this job
        inner.enqueue(job.state["connection"])
        seen.append(name())

    def name() -> str:
        job = current_job()
        return job.job_type if job else "none"

    with closing(sqlite3.connect(":memory:")) as connection:
        create_tables(connection)
        with inline(tasks, state={"connection": connection}):
            outer.enqueue(connection)
            seen.append(name())

    assert seen == ["outer", "outer", "inner", "none"]


def test_middleware_sees_it_and_a_hook_after_the_end_does_not(sqlite: PrivateDatabase, tasks: Tasks) -> None:
    seen: list[Job | None] = []

    @tasks.use
    def around(job: Job, call_next: Callable[[Job], Any]) -> Any:
        seen.append(current_job())
        assert seen[-1] is job
        return call_next(job)

    @tasks.task
    def broken() -> None:
        raise ValueError

    with sqlite.connection() as connection:
        broken.enqueue(connection)
        connection.commit()
    hooked: list[Job | None] = []
    process_next_job(sqlite.url, tasks, failed_job=lambda job, error: hooked.append(current_job()))

    assert len(seen) == 1
    assert hooked == [None]
