"""What all handlers of a process share, made at the start and ended at the stop."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Worker
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


def test_the_state_reaches_every_handler_and_is_ended(database: PrivateDatabase, workers: Workers) -> None:
    told = []

    @contextmanager
    def lifespan(worker: Worker) -> Iterator[dict[str, Any]]:
        told.append(f"open for {worker}")
        yield {"pool": "a pool"}
        told.append("closed")

    def handle(job: Job) -> None:
        told.append(job.state["pool"])

    database.put(NewJob("greet"), NewJob("greet"))
    workers.drain(handle, lifespan=lifespan)

    assert told == ["open for <Worker default=10>", "a pool", "a pool", "closed"]


def test_it_may_be_async_and_lives_on_the_handlers_loop(database: PrivateDatabase, workers: Workers) -> None:
    import asyncio

    loops = []

    @asynccontextmanager
    async def lifespan(worker: Worker) -> AsyncIterator[dict[str, Any]]:
        loops.append(asyncio.get_running_loop())
        yield {"loop": loops[0]}
        loops.append(asyncio.get_running_loop())

    async def handle(job: Job) -> None:
        assert job.state["loop"] is asyncio.get_running_loop()

    database.put(NewJob("greet"))
    workers.drain(handle, lifespan=lifespan)

    assert database.archive("status") == [("success",)]
    assert len(loops) == 2


def test_one_that_yields_nothing_gives_an_empty_state(sqlite: PrivateDatabase) -> None:
    @contextmanager
    def lifespan(worker: Worker) -> Iterator[None]:
        yield

    sqlite.put(NewJob("greet"))
    seen = []
    Worker(sqlite.url, lambda job: seen.append(dict(job.state)), lifespan=lifespan).drain()

    assert seen == [{}]


def test_one_that_fails_keeps_the_worker_from_starting(sqlite: PrivateDatabase) -> None:
    @contextmanager
    def lifespan(worker: Worker) -> Iterator[None]:
        raise OSError("no pool today")
        yield

    worker = Worker(sqlite.url, print, lifespan=lifespan)
    with pytest.raises(OSError, match="no pool today"):
        worker.start()
    assert not worker.is_running


def test_a_lifespan_that_is_not_a_context_manager_is_refused(sqlite: PrivateDatabase) -> None:
    worker = Worker(sqlite.url, print, lifespan=lambda worker: 3)
    with pytest.raises(ConfigurationError, match="context manager"):
        worker.start()
    assert not worker.is_running
