"""Pages and jobs of one process, on one `AsyncEngine`: a request that was answered has written what it says."""

from __future__ import annotations

import asyncio
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from proletarian import Tasks, Worker, WrongCall
from servers.port import unused_port
from tests.cli.terminal import Terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.doors.layers import sqlalchemy_url
from tests.frameworks.web import Web
from tests.waiting import wait_until

REQUESTS = 40


@pytest.mark.parametrize(
    ("product", "driver"),
    [("postgresql", "asyncpg"), ("postgresql", "psycopg"), ("mariadb", "asyncmy"), ("mysql", "aiomysql"),
     ("sqlite", "aiosqlite")],
)  # fmt: skip
def test_no_request_and_no_job_is_lost(product: str, driver: str, shell: Terminal, new_database: DatabaseOf) -> None:
    database = new_database(product)
    web = Web(port := unused_port())
    url = sqlalchemy_url(database, driver)
    server = shell.start(f"env 'URL={url}' uvicorn tests.frameworks.one_engine_app:app --port {port}")
    web.wait_for("/", server)
    with ThreadPoolExecutor(8) as clients:
        answers = clients.map(lambda n: web.ask("POST", f"/accounts/{n}")[0], range(REQUESTS))
        answered = Counter(answers)
    wait_until(lambda: database.count("archived_job") == 2 * REQUESTS, 60, what="the end of all jobs")
    welcomed = database.rows("SELECT count(*), sum(welcomed) FROM account")
    server.send(signal.SIGTERM)
    server.ends()

    assert answered == {201: REQUESTS}, server.text
    assert [tuple(map(int, row)) for row in welcomed] == [(REQUESTS, REQUESTS)]
    assert Counter(database.archive()) == {("welcome", "success"): REQUESTS, ("blocking", "success"): REQUESTS}
    assert database.count("worker") == 0


def test_a_worker_is_not_started_or_stopped_on_the_loop_that_it_waits_for(sqlite: PrivateDatabase) -> None:
    tasks = Tasks()

    @tasks.task
    async def greet() -> None: ...

    async def given() -> None:
        loop, worker = asyncio.get_running_loop(), Worker(sqlite.url, tasks)
        with pytest.raises(WrongCall, match="await asyncio"):
            worker.start(loop=loop)
        await asyncio.to_thread(worker.start, loop=loop)
        with pytest.raises(WrongCall, match="await asyncio"):
            worker.stop()
        await asyncio.to_thread(worker.stop)
        assert loop.is_running()

    asyncio.run(given())


def test_a_stop_cancels_the_coroutines_on_a_given_loop_and_leaves_the_loop_alone(sqlite: PrivateDatabase) -> None:
    tasks, seen = Tasks(), []

    @tasks.task
    async def linger() -> None:
        seen.append("begun")
        try:
            await asyncio.sleep(60)
        finally:
            seen.append("cancelled")

    async def given() -> None:
        worker = Worker(sqlite.url, tasks, stop_timeout=0.1)
        await asyncio.to_thread(worker.start, loop=asyncio.get_running_loop())
        await asyncio.to_thread(wait_until, lambda: seen == ["begun"], 60)
        await asyncio.to_thread(worker.stop)

    sqlite.put(linger.job())
    asyncio.run(given())

    assert seen == ["begun", "cancelled"]
    assert (sqlite.count("job"), sqlite.count("running_job")) == (1, 0)
