"""Whatever connection a test has: look, drain, look again, roll back."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import Iterator
from typing import Any

import pytest

from proletarian import Retry, Tasks, WrongCall
from proletarian.drivers.registry import driver_of
from proletarian.testing import (
    Jobs,
    aassert_enqueued,
    aassert_not_enqueued,
    adrain,
    aenqueued,
    assert_enqueued,
    assert_not_enqueued,
    create_tables,
    drain,
    enqueued,
    inline,
)
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.doors.libraries import Door
from tests.doors.table import DOORS


class Opened:
    """A connection of one library, in a transaction, and the calls that are for its kind."""

    def __init__(self, door: Door, database: PrivateDatabase) -> None:
        self.library = door.library(database)
        self.loop = asyncio.Runner()
        self.connection = self.settled(self.library.open())
        self.is_async = driver_of(self.connection).execute is None
        self.settled(self.library.begin(self.connection))

    def settled(self, value: Any) -> Any:
        """The value, awaited if that is what it asks for."""

        async def awaited() -> Any:
            return await value

        return self.loop.run(awaited()) if inspect.isawaitable(value) else value

    def call(self, blocking: Any, awaiting: Any, *arguments: Any, **options: Any) -> Any:
        """The one that is for this kind of connection; the other one is refused."""
        right, wrong = (awaiting, blocking) if self.is_async else (blocking, awaiting)
        with pytest.raises(WrongCall):
            self.settled(wrong(self.connection, *arguments, **options))
        return self.settled(right(self.connection, *arguments, **options))


@contextlib.contextmanager
def opened(door: Door, database: PrivateDatabase) -> Iterator[Opened]:
    """The connection of a door, rolled back and closed in the end."""
    one = Opened(door, database)
    try:
        yield one
        one.settled(one.library.rollback(one.connection))
    finally:
        one.settled(one.library.close(one.connection))
        one.loop.close()


@pytest.mark.parametrize("door", DOORS, ids=str)
def test_a_test_on_its_own_connection(door: Door, database_of: DatabaseOf) -> None:
    database = database_of(door.product)
    tasks, done = Tasks(), []

    @tasks.task(queue="mail", retry=Retry(1, delays=[60]))
    def send(name: str) -> None:
        done.append(name)
        if name == "nobody":
            raise ValueError("no such person")

    @tasks.task
    async def greet(name: str) -> None:
        await asyncio.sleep(0)
        done.append(f"hello, {name}")

    with opened(door, database) as one:
        for name in ("Ada", "nobody"):
            one.call(send.enqueue, send.aenqueue, name=name)
        one.call(greet.enqueue, greet.aenqueue, name="Bob")

        one.call(assert_enqueued, aassert_enqueued, send.job(name="Ada"), count=1)
        one.call(assert_not_enqueued, aassert_not_enqueued, greet, {"name": "Ada"})
        ran = one.call(drain, adrain, tasks, raise_errors=False)
        [left] = one.call(enqueued, aenqueued)

    assert [(run.job_type, run.outcome) for run in ran] == [
        ("greet", "succeeded"), ("send", "succeeded"), ("send", "retrying"),
    ]  # fmt: skip
    assert done == ["hello, Bob", "Ada", "nobody"]
    assert (left.job_type, left.payload, left.attempts) == ("send", {"name": "nobody"}, 1)
    assert all(database.count(table) == 0 for table in ("job", "running_job", "archived_job", "worker"))


@pytest.mark.parametrize("door", [door for door in DOORS if door.name in ("asyncpg", "aiosqlite", "asyncmy")], ids=str)
def test_inline_on_an_async_connection(door: Door, database_of: DatabaseOf) -> None:
    tasks, done = Tasks(), []

    @tasks.task
    async def greet(name: str) -> None:
        done.append(name)

    with opened(door, database_of(door.product)) as one, inline(tasks) as ran:
        one.settled(greet.aenqueue(one.connection, name="Ada"))
        assert done == ["Ada"]
        one.settled(tasks.queue.aenqueue_many(one.connection, [greet.job(name="Bob")]))
        jobs = Jobs(one.connection, tasks)
        one.settled(jobs.aassert_not_enqueued(greet))
        assert one.settled(jobs.aenqueued()) == one.settled(jobs.adrain()) == []
        with pytest.raises(AssertionError, match="jobs of this type in the archive: 2 success"):
            one.settled(jobs.aassert_enqueued(greet))

    assert done == ["Ada", "Bob"]
    assert [run.outcome for run in ran] == ["succeeded"] * 2


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb", "mysql"])
def test_tables_on_a_tests_own_connection(product: str, new_database: DatabaseOf) -> None:
    database = new_database(product)
    tasks = Tasks()

    @tasks.task
    def greet(name: str) -> None: ...

    with database.connection() as connection:
        create_tables(connection)
        create_tables(connection, tasks.queue)
        greet.enqueue(connection, name="Ada")
        assert len(drain(connection, tasks)) == 1
        connection.rollback()

    database.migrate()
    assert database.count("archived_job") == 0
