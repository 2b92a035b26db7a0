"""Functions around every handler."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Snooze, Tasks
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


async def around_async(job: Job, call_next: CallNext) -> Any:
    return await call_next(job)


class AroundAsync:
    async def __call__(self, job: Job, call_next: CallNext) -> Any:
        return await call_next(job)


@pytest.mark.parametrize("middleware", [around_async, AroundAsync(), partial(around_async)], ids=range(3))
def test_an_async_one_around_a_plain_handler_is_refused_where_they_meet(tasks: Tasks, middleware: Any) -> None:
    def plain() -> None: ...

    tasks.use(middleware)
    with pytest.raises(ConfigurationError, match="cannot run around the plain handler 'plain'"):
        tasks.task(plain)
    assert "plain" not in tasks

    others = Tasks()
    others.task(plain)
    with pytest.raises(ConfigurationError, match="cannot run around the plain handler 'plain'"):
        others.use(middleware)


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


def test_a_view_has_more_around_the_same_tasks(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    told: list[str] = []

    def noting(what: str) -> Callable[[Job, CallNext], Any]:
        def note(job: Job, call_next: CallNext) -> Any:
            told.append(f"{what} {job.job_type}")
            return call_next(job)

        return note

    others = Tasks()
    view = tasks.within(noting("outer"), others)
    tasks.use(noting("own"))

    @tasks.task
    def greet() -> None:
        told.append("greet")

    @others.task
    async def count() -> None:
        told.append("count")

    assert (list(view), view["count"], view.find("nobody")) == (["greet", "count"], count, None)
    for job in (greet.job(), count.job(), greet.job()):
        database.put(job)
        workers.drain(view)
        tasks.use(noting("late"))

    assert told == [
        "outer greet", "own greet", "greet",
        "outer count", "count",
        "outer greet", "own greet", "late greet", "late greet", "greet",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["function", "coroutine", "object", "coroutine object", "partial", "coroutine partial"]
)
def test_any_callable_runs_jobs_of_all_types(database: PrivateDatabase, workers: Workers, kind: str) -> None:
    seen: list[Any] = []

    def plain(job: Job) -> None:
        seen.append((job.job_type, job.payload))

    async def coroutine(job: Job) -> None:
        await asyncio.sleep(0)
        plain(job)

    class Plain:
        def __call__(self, job: Job) -> None:
            plain(job)

    class Coroutine:
        async def __call__(self, job: Job) -> None:
            await coroutine(job)

    handlers: dict[str, Callable[[Job], Any]] = {
        "function": plain, "coroutine": coroutine, "object": Plain(), "coroutine object": Coroutine(),
        "partial": partial(plain), "coroutine partial": partial(coroutine),
    }  # fmt: skip
    database.put(NewJob("greet", {"name": "Ann"}), NewJob("count", [1, 2]))
    workers.drain(handlers[kind])

    assert sorted(seen) == [("count", [1, 2]), ("greet", {"name": "Ann"})]
    assert sorted(database.archive()) == [("count", "success"), ("greet", "success")]


def test_objects_that_are_not_functions_are_refused(tasks: Tasks) -> None:
    with pytest.raises(ConfigurationError, match="middleware"):
        tasks.use("logging")  # type: ignore[arg-type]


@pytest.mark.parametrize("overridden", ["handler", "__call__"])
def test_a_subclass_with_a_way_of_its_own_to_run_a_task_is_asked(
    database: PrivateDatabase, workers: Workers, overridden: str
) -> None:
    told = []

    class ByHandler(Tasks):
        def handler(self, job_type: str) -> Callable[[Job], Any]:
            told.append("handler")
            return super().handler(job_type)

    class ByCall(Tasks):
        def __call__(self, job: Job) -> Any:
            told.append("__call__")
            return super().__call__(job)

    tasks = ByHandler() if overridden == "handler" else ByCall()

    @tasks.task
    def greet() -> None:
        told.append("greet")

    database.put(greet.job())
    workers.drain(tasks)

    assert told == [overridden, "greet"]
