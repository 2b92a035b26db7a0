"""Transactions that are prepared, then committed by whoever: PostgreSQL prepares none that has notified."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Session

from proletarian import Queue, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.doors import layers
from tests.waiting import wait_until
from tests.worker.recorder import Recorder

tasks = Tasks()


@tasks.task
def greet(name: str) -> None: ...


@pytest.fixture
def asleep(postgresql: PrivateDatabase, recorder: Recorder) -> Iterator[None]:
    """A worker that sleeps on the queue, and so asks enqueues to notify."""
    with Worker(postgresql.url, tasks, log=recorder, poll_interval=0.5):
        held = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock' AND granted"
        wait_until(lambda: postgresql.rows(held) != [(0,)], 20, what="a worker that sleeps")
        yield


def by_psycopg(database: PrivateDatabase) -> None:
    with psycopg.connect(database.url) as connection:
        connection.tpc_begin(connection.xid(1, uuid4().hex, "branch"))
        greet.enqueue(connection, name="Ada")
        tasks.queue.enqueue_many(connection, [greet.job(name="Bob")])
        connection.tpc_prepare()
        connection.tpc_commit()
        greet.enqueue(connection, name="Cid")  # an ordinary one again


def by_async_psycopg(database: PrivateDatabase) -> None:
    async def enqueue() -> None:
        async with await psycopg.AsyncConnection.connect(database.url) as connection:
            await connection.tpc_begin(connection.xid(1, uuid4().hex, "branch"))
            for name in ("Ada", "Bob", "Cid"):
                await greet.aenqueue(connection, name=name)
            await connection.tpc_prepare()
            await connection.tpc_commit()

    asyncio.run(enqueue())


def by_session(driver: str) -> Callable[[PrivateDatabase], None]:
    def enqueue(database: PrivateDatabase) -> None:
        with Session(layers.engine(database, driver), twophase=True) as session:
            for name in ("Ada", "Bob", "Cid"):
                greet.enqueue(session, name=name)
            session.prepare()
            session.commit()

    return enqueue


def by_connection(driver: str) -> Callable[[PrivateDatabase], None]:
    def enqueue(database: PrivateDatabase) -> None:
        with layers.engine(database, driver).connect() as connection:
            transaction = connection.begin_twophase()
            for name in ("Ada", "Bob"):
                greet.enqueue(connection, name=name)
            greet.enqueue(Session(bind=connection), name="Cid")
            transaction.prepare()
            transaction.commit()

    return enqueue


def by_hand(database: PrivateDatabase) -> None:
    quiet: Queue = replace(tasks.queue, notifies=False)
    name = uuid4().hex
    with psycopg.connect(database.url, autocommit=True) as connection:
        connection.execute("BEGIN")
        quiet.enqueue_job(connection, greet.job(name="Ada"))
        quiet.enqueue_many(connection, [greet.job(name="Bob"), greet.job(name="Cid")])
        connection.execute(f"PREPARE TRANSACTION '{name}'")
        connection.execute(f"COMMIT PREPARED '{name}'")


WAYS: dict[str, Any] = {
    "psycopg": by_psycopg, "async psycopg": by_async_psycopg, "a session": by_session("psycopg"),
    "a session of psycopg2": by_session("psycopg2"), "a connection": by_connection("psycopg"), "by hand": by_hand,
}  # fmt: skip


@pytest.mark.usefixtures("asleep")
@pytest.mark.parametrize("way", WAYS)
def test_jobs_of_a_prepared_transaction_run_while_a_worker_sleeps(way: str, postgresql: PrivateDatabase) -> None:
    WAYS[way](postgresql)

    wait_until(lambda: postgresql.count("archived_job") == 3, 20, what="the end of three jobs")
    assert {status for (_, status) in postgresql.archive()} == {"success"}


def test_an_async_session_that_prepares_is_seen_to(postgresql: PrivateDatabase) -> None:
    from proletarian.drivers.sqlalchemy import is_two_phase_session

    engine = layers.async_engine(postgresql, "psycopg")
    assert is_two_phase_session(AsyncSession(engine, twophase=True))
    assert not is_two_phase_session(AsyncSession(engine))


def test_a_database_that_makes_the_ids(postgresql: PrivateDatabase) -> None:
    from proletarian import DatabaseGenerated, Tables, migrate

    queue = Queue(tables=Tables(prefix="ids."), job_ids=DatabaseGenerated(), notifies=False)
    migrate(postgresql.url, queue)
    with psycopg.connect(postgresql.url) as connection:
        assert queue.enqueue(connection, "greet") == 1
