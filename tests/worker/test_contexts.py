"""Context variables: each run starts with those of the worker's start, and what it sets is gone with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import Any

import pytest

from proletarian import Job, NewJob, Tasks, process_next_job
from proletarian.testing import adrain, drain
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

tenant: ContextVar[str] = ContextVar("tenant", default="nobody")


class Tenants:
    """Handlers that look at a context variable, and set it."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.seen: list[str] = []

        @tasks.task
        def near(who: str) -> None:
            self.look(who)

        @tasks.task
        async def far(who: str) -> None:
            self.look(who)
            await asyncio.sleep(0.001)
            assert tenant.get() == who, "it stays for as long as the run"

        def hidden(who: str) -> Any:
            self.look(who)
            return still(who)

        async def still(who: str) -> None:
            assert tenant.get() == who, "what the plain part has set"

        tasks.task(hidden)

    def look(self, who: str) -> None:
        """See what is there, and leave something behind."""
        self.seen.append(tenant.get())
        tenant.set(who)

    def jobs(self, *names: str) -> list[NewJob]:
        """Several of each kind."""
        return [NewJob(name, {"who": f"{name} {n}"}) for n in range(4) for name in names]


@pytest.fixture
def tenants(tasks: Tasks) -> Tenants:
    """Those handlers."""
    return Tenants(tasks)


def test_each_run_has_its_own(database: PrivateDatabase, workers: Workers, tenants: Tenants) -> None:
    database.put(*tenants.jobs("near", "far", "hidden"))
    workers.drain(tenants.tasks, queues={"default": 1})

    assert tenants.seen == ["nobody"] * 12
    assert {status for (status,) in database.archive("status")} == {"success"}


def test_coroutines_alone_have_their_own_too(database: PrivateDatabase, workers: Workers, tenants: Tenants) -> None:
    database.put(*tenants.jobs("far"))
    workers.drain(tenants.tasks, queues={"default": 1})

    assert tenants.seen == ["nobody"] * 4


@pytest.mark.parametrize("is_async", [False, True])
def test_what_the_lifespan_and_the_application_have_set_is_there(
    database: PrivateDatabase, workers: Workers, tenants: Tenants, is_async: bool
) -> None:
    @contextmanager
    def lifespan(worker: Any) -> Iterator[None]:
        tenant.set(f"{tenant.get()}, lifespan")
        yield

    @asynccontextmanager
    async def alifespan(worker: Any) -> AsyncIterator[None]:
        tenant.set(f"{tenant.get()}, lifespan")
        yield

    database.put(*tenants.jobs("near", "far"))
    token = tenant.set("application")
    try:
        workers.drain(tenants.tasks, lifespan=alifespan if is_async else lifespan)
    finally:
        tenant.reset(token)

    assert tenants.seen == ["application, lifespan"] * 8


def test_hooks_have_their_own(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    def hook(job: Job, error: BaseException) -> None:
        seen.append(tenant.get())
        tenant.set("hook")

    def handle(job: Job) -> None:
        raise ValueError("no")

    database.put(NewJob("greet"), NewJob("greet"))
    workers.drain(handle, failed_job=hook)

    assert seen == ["nobody"] * 2


def test_a_drain_and_one_job_at_a_time_leave_nothing_behind(sqlite: PrivateDatabase, tenants: Tenants) -> None:
    sqlite.put(*tenants.jobs("near", "far", "hidden"))
    with sqlite.connection() as connection:
        drain(connection, tenants.tasks)
        connection.rollback()
    while process_next_job(sqlite.url, tenants.tasks):
        pass

    assert tenants.seen == ["nobody"] * 24
    assert tenant.get() == "nobody"


def test_a_drain_in_a_loop_leaves_nothing_behind(sqlite: PrivateDatabase, tenants: Tenants) -> None:
    aiosqlite = pytest.importorskip("aiosqlite")
    sqlite.put(*tenants.jobs("near", "far", "hidden"))

    async def drained() -> str:
        async with aiosqlite.connect(sqlite.url.removeprefix("sqlite:///")) as connection:
            await adrain(connection, tenants.tasks)
        return tenant.get()

    assert asyncio.run(drained()) == "nobody"
    assert tenants.seen == ["nobody"] * 12
