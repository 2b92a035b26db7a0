"""What an application has run around its enqueues."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Generator, Sequence
from typing import Any

import aiosqlite
import psycopg
import pytest
from msgspec.structs import replace

from proletarian import ConfigurationError, NewJob, PayloadError, Queue, Tasks, WrongCall, enqueue
from proletarian.enqueueing.around import Around
from proletarian.job import EnqueueOptions, Options
from proletarian.testing import enqueued
from tests.conftest import DatabaseOf
from tests.databases import PRODUCTS

Jobs = Sequence[NewJob]


def tasks_with(*functions: Around) -> Tasks:
    tasks = Tasks()
    for function in functions:
        tasks.around_enqueue(function)

    @tasks.task
    def greet(name: str) -> None: ...

    return tasks


def tagged(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
    """Adds a header to each job, to be seen in its row."""
    yield [replace(job, headers={**(job.headers or {}), "tenant": "acme"}) for job in jobs]


@pytest.mark.parametrize("product", PRODUCTS)
def test_a_job_may_be_changed_on_its_way_and_its_id_is_seen(product: str, database_of: DatabaseOf) -> None:
    seen = []

    def noted(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
        seen.append((connection, (yield jobs)))

    tasks = tasks_with(noted, tagged)
    with database_of(product).connection() as connection:
        one = tasks["greet"].using(headers={"a": "b"}).enqueue(connection, name="Ada")
        two = tasks.queue.enqueue(connection, "greet", {"name": "Bob"}, process_in=60)
        more = tasks.queue.enqueue_many(connection, [tasks["greet"].job(name=name) for name in ("Eve", "Fay")])
        waiting = {job.job_id: job for job in enqueued(connection, queue=tasks)}

    assert [job_ids for _, job_ids in seen] == [[one], [two], more]
    assert all(where is connection for where, _ in seen)
    assert waiting[one].headers == {"a": "b", "tenant": "acme"}
    assert [waiting[job_id].payload["name"] for job_id in more] == ["Eve", "Fay"]
    assert [job.headers["tenant"] for job in waiting.values()] == ["acme"] * 4


def test_the_first_function_is_the_outermost_and_other_queues_are_left_alone(database_of: DatabaseOf) -> None:
    told: list[str] = []

    def named(name: str) -> Around:
        def function(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
            told.append(f"{name} begins")
            yield jobs
            told.append(f"{name} ends")

        return function

    tasks = tasks_with(named("outer"), named("inner"))
    with database_of("sqlite").connection() as connection:
        tasks["greet"].enqueue(connection, name="Ada")
        assert told == ["outer begins", "inner begins", "inner ends", "outer ends"]

        enqueue(connection, "greet", {"name": "Bob"})
        assert tasks.queue.enqueue_many(connection, []) == []
        assert len(told) == 4


@pytest.mark.parametrize("product", PRODUCTS)
def test_an_error_refuses_the_jobs_and_an_enqueue_that_fails_is_seen(product: str, database_of: DatabaseOf) -> None:
    errors = []

    def watched(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
        try:
            yield jobs
        except Exception as error:
            errors.append(error)
            raise

    def refused(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
        if any(job.payload == {"name": "Eve"} for job in jobs):
            raise PermissionError("not Eve")
        yield jobs

    tasks = tasks_with(watched, refused)
    with database_of(product).connection() as connection:
        with pytest.raises(PermissionError, match="not Eve"):
            tasks.queue.enqueue_many(connection, [tasks["greet"].job(name=name) for name in ("Ada", "Eve")])
        with pytest.raises(PayloadError):
            tasks.queue.enqueue(connection, "greet", {"name": object()})

        assert [type(error).__name__ for error in errors] == ["PermissionError", "PayloadError"]
        assert enqueued(connection, queue=tasks) == []


def yields_nothing(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
    yield from ()


def yields_fewer(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
    yield jobs[1:]


def yields_no_jobs(connection: Any, jobs: Jobs) -> Generator[Any, list[Any], None]:
    yield 3


@pytest.mark.parametrize("function", [yields_nothing, yields_fewer, yields_no_jobs])
def test_what_loses_a_job_is_refused(function: Around, database_of: DatabaseOf) -> None:
    tasks = tasks_with(function)
    with database_of("sqlite").connection() as connection:
        with pytest.raises(ConfigurationError, match=rf"{function.__name__}.*yields.*to refuse them it must raise"):
            tasks["greet"].enqueue(connection, name="Ada")
        assert enqueued(connection, queue=tasks) == []


def test_jobs_go_in_once(database_of: DatabaseOf) -> None:
    def twice(connection: Any, jobs: Jobs) -> Generator[Jobs, list[Any], None]:
        yield jobs
        yield jobs

    tasks = tasks_with(twice)
    with database_of("sqlite").connection() as connection, pytest.raises(ConfigurationError, match="a second time"):
        tasks["greet"].enqueue(connection, name="Ada")


def test_only_a_generator_function_will_do() -> None:
    with pytest.raises(ConfigurationError, match="generator function"):
        Tasks().around_enqueue(lambda connection, jobs: jobs)  # type: ignore[arg-type, return-value]
    with pytest.raises(ConfigurationError, match="generator function"):
        Queue(around=(print,))  # type: ignore[arg-type]
    Tasks().around_enqueue(functools.partial(tagged))


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_on_an_async_connection_it_may_have_something_awaited(product: str, database_of: DatabaseOf) -> None:
    told = []

    async def answer() -> str:
        await asyncio.sleep(0)
        return "heard"

    def asked(connection: Any, jobs: Jobs) -> Generator[Any, Any, None]:
        job_ids = yield jobs
        told.append((job_ids, (yield answer())))

    tasks = tasks_with(asked, tagged)
    database = database_of(product)

    async def main() -> list[Any]:
        if product == "sqlite":
            connection: Any = await aiosqlite.connect(database.url.removeprefix("sqlite:///"))
        else:
            connection = await psycopg.AsyncConnection.connect(database.url)
        one = await tasks["greet"].aenqueue(connection, name="Ada")
        more = await tasks.queue.aenqueue_many(connection, [tasks["greet"].job(name="Bob")])
        await connection.commit()
        await connection.close()
        return [[one], more]

    job_ids = asyncio.run(main())

    assert told == [(job_ids[0], "heard"), (job_ids[1], "heard")]
    with database.connection() as connection:
        assert [job.headers for job in enqueued(connection, queue=tasks)] == [{"tenant": "acme"}] * 2
        with pytest.raises(WrongCall, match=r"asked.*blocking connection"):
            tasks["greet"].enqueue(connection, name="Eve")


def test_the_options_of_an_enqueue_are_those_of_a_job() -> None:
    assert tuple(EnqueueOptions.__annotations__) == Options.__struct_fields__


def test_using_refuses_what_is_no_option_and_copies_are_independent() -> None:
    greet = tasks_with()["greet"]

    with pytest.raises(TypeError, match="payload"):
        greet.using(payload={"name": "Eve"})  # type: ignore[call-arg]
    urgent = greet.using(priority=9)
    both = urgent.using(queue="mail", priority=None)

    assert [task.job(name="x").priority for task in (greet, urgent, both)] == [None, 9, 9]
    assert [task.options.queue for task in (greet, urgent, both)] == [None, None, "mail"]
    assert urgent.parameters is greet.parameters
