"""`jobs_lifespan`: what an application's start and end do with the tables and with a worker."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import pytest

from proletarian import ConfigurationError, DatabaseUnavailable, NewJob, SchemaOutOfDate, Tasks
from proletarian.contrib.starlette import jobs_lifespan
from servers.port import unused_port
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.waiting import wait_until


@pytest.fixture
def ran() -> list[str]:
    return []


@pytest.fixture
def tasks(ran: list[str]) -> Tasks:
    tasks = Tasks()

    @tasks.task
    async def greet(name: str) -> None:
        ran.append(name)

    return tasks


def during(lifespan: Any, what: Any = lambda: None) -> None:
    """Do something between the start and the end of an application, and not on its event loop."""

    async def live() -> None:
        async with lifespan(None):
            await asyncio.to_thread(what)

    asyncio.run(live())


def test_missing_tables_are_refused_or_made(tasks: Tasks, new_database: DatabaseOf) -> None:
    bare = new_database("sqlite")
    for worker in (False, True):
        with pytest.raises(SchemaOutOfDate, match="run `proletarian migrate"):
            during(jobs_lifespan(bare.url, tasks, worker=worker))
    during(jobs_lifespan(bare.url, tasks, migrate=True))

    during(jobs_lifespan(bare.url, tasks))


def test_an_engine_names_the_database_as_well(tasks: Tasks, ran: list[str], postgresql: PrivateDatabase) -> None:
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(postgresql.url.replace("postgresql:", "postgresql+asyncpg:"))
    postgresql.put(NewJob("greet", {"name": "Ann"}))

    during(jobs_lifespan(engine, tasks, worker=True), lambda: wait_until(lambda: ran == ["Ann"], 60))


def test_jobs_run_only_where_a_worker_is_asked_for(tasks: Tasks, ran: list[str], sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("greet", {"name": "Ann"}))

    during(jobs_lifespan(sqlite.url, tasks, queues={"default": 1}), lambda: wait_until(lambda: True))
    assert (ran, sqlite.count("worker"), sqlite.count("job")) == ([], 0, 1)

    during(
        jobs_lifespan(sqlite.url, tasks, worker=True, queues={"default": 1}),
        lambda: wait_until(lambda: sqlite.count("archived_job"), 60),
    )
    assert (ran, sqlite.count("worker"), sqlite.count("job")) == (["Ann"], 0, 0)


def test_an_application_may_start_again(tasks: Tasks, ran: list[str], sqlite: PrivateDatabase) -> None:
    """As it does when each test of an application starts it anew."""
    lifespan = jobs_lifespan(sqlite.url, tasks, worker=True)
    for _ in range(2):
        sqlite.put(NewJob("greet", {"name": "Ann"}))
        during(lifespan, lambda: wait_until(lambda: sqlite.left() == 0, 60))

    assert ran == ["Ann", "Ann"]


def test_a_job_that_does_not_end_goes_back_and_the_application_ends_well(
    sqlite: PrivateDatabase, caplog: pytest.LogCaptureFixture
) -> None:
    tasks, begun, enough = Tasks(), threading.Event(), threading.Event()

    @tasks.task
    def linger() -> None:
        begun.set()
        enough.wait(60)

    sqlite.put(NewJob("linger"))
    try:
        during(jobs_lifespan(sqlite.url, tasks, worker=True, stop_timeout=0.1), lambda: begun.wait(60))
    finally:
        enough.set()

    assert (sqlite.count("job"), sqlite.count("running_job")) == (1, 0)
    assert "1 job was still running after 0.1 s and went back to the queue: linger" in caplog.text


@pytest.mark.parametrize("worker", [False, True])
def test_a_database_that_is_away_keeps_nobody_from_starting(
    tasks: Tasks, caplog: pytest.LogCaptureFixture, worker: bool
) -> None:
    url = f"postgresql://app:secret@127.0.0.1:{unused_port()}/app"
    with caplog.at_level(logging.WARNING):
        during(jobs_lifespan(url, tasks, worker=worker), lambda: wait_until(lambda: caplog.text, 60))

    assert "Connection refused" in caplog.text
    assert "secret" not in caplog.text


def test_tables_cannot_be_migrated_while_the_database_is_away(tasks: Tasks) -> None:
    url = f"postgresql://app@127.0.0.1:{unused_port()}/app"
    with pytest.raises(DatabaseUnavailable):
        during(jobs_lifespan(url, tasks, migrate=True))


def test_options_that_cannot_be_are_refused_at_once(tasks: Tasks) -> None:
    with pytest.raises(ConfigurationError, match="slots"):
        jobs_lifespan("sqlite:///shop.db", tasks, queues={"default": 0})
