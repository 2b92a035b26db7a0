"""Functions around every handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, Snooze, Tasks
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

CallNext = Callable[[Job], Any]


def test_the_first_used_is_the_outermost(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    told = []

    @tasks.use
    def outer(job: Job, call_next: CallNext) -> Any:
        told.append(f"outer sees {job.job_type} {job.payload}")
        result = call_next(job)
        told.append(f"outer gets {result}")
        return result

    @tasks.use
    def inner(job: Job, call_next: CallNext) -> Any:
        told.append("inner")
        return call_next(job) + 1

    @tasks.task(keep_result=True)
    def add(a: int, b: int) -> int:
        told.append("handler")
        return a + b

    database.put(add.job(1, 2))
    workers.drain(tasks)

    assert told == ["outer sees add {'a': 1, 'b': 2}", "inner", "handler", "outer gets 4"]
    assert database.archive("result") == [("4",)]


def test_a_plain_one_works_around_coroutines(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    told = []

    @tasks.use
    def around(job: Job, call_next: CallNext) -> Any:
        told.append("before")
        return call_next(job)

    @tasks.task
    async def far() -> None:
        await asyncio.sleep(0)
        told.append("handler")

    database.put(far.job())
    workers.drain(tasks)

    assert told == ["before", "handler"]


def test_an_async_one_works_around_coroutines(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    told = []

    @tasks.use
    async def around(job: Job, call_next: CallNext) -> Any:
        told.append("before")
        await call_next(job)
        told.append("after")

    @tasks.task
    async def far() -> None:
        told.append("handler")

    database.put(far.job())
    workers.drain(tasks)

    assert told == ["before", "handler", "after"]


def test_an_async_one_around_a_plain_handler_costs_that_job_only(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.use
    async def around(job: Job, call_next: CallNext) -> Any:
        return await call_next(job)

    @tasks.task
    def plain() -> None: ...

    @tasks.task
    async def far() -> None: ...

    database.put(plain.job(), far.job())
    workers.drain(tasks)

    assert sorted(database.archive()) == [("far", "success"), ("plain", "failure")]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE job_type = 'plain'")
    assert "cannot run around the plain handler 'plain'" in errors


def test_it_may_decide_the_outcome(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.use
    def not_now(job: Job, call_next: CallNext) -> Any:
        raise Snooze(60)

    @tasks.task
    def greet() -> None: ...

    database.put(greet.job())
    workers.drain(tasks)

    assert database.count("job") == 1


def test_one_that_comes_late_is_around_the_jobs_to_come(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    seen: list[str] = []

    @tasks.task
    def greet() -> None: ...

    database.put(greet.job())
    workers.drain(tasks)

    @tasks.use
    def note(job: Job, call_next: CallNext) -> Any:
        seen.append(job.job_type)
        return call_next(job)

    database.put(greet.job())
    workers.drain(tasks)

    assert seen == ["greet"]


def test_what_is_no_function_is_refused(tasks: Tasks) -> None:
    with pytest.raises(ConfigurationError, match="middleware"):
        tasks.use("logging")  # type: ignore[arg-type]
