"""Nothing is archived as a success of which no line has run: what a handler returned is awaited, or fails its run."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, StopTimeout, Tasks, process_next_job
from proletarian.testing import adrain, drain, inline
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def traced(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as most are: a plain function around whatever it is given."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return call


class Charging:
    """An application whose handlers return something to await, and look as if they did not."""

    def __init__(self, tasks: Tasks) -> None:
        self.tasks = tasks
        self.ran: list[str] = []

        async def charged(order: str) -> str:
            await asyncio.sleep(0.001)
            self.ran.append(order)
            return order

        async def with_currency(currency: str, order: str) -> None:
            await charged(f"{order} {currency}")

        class Charge:
            async def __call__(self, order: str) -> None:
                await charged(order)

        def delegating(order: str) -> Any:
            return charged(order)

        def in_a_task(order: str) -> Any:
            return asyncio.ensure_future(charged(order)) if _in_loop() else charged(order)

        def in_a_loop_of_its_own(order: str) -> None:
            asyncio.run(charged(order))

        functions: list[Callable[..., Any]] = [
            traced(charged),
            delegating,
            in_a_task,
            functools.partial(with_currency, "EUR"),
            Charge(),
            traced(in_a_loop_of_its_own),
        ]
        self.names = ["decorated", "delegating", "in_a_task", "partial", "instance", "own_loop"]
        for name, function in zip(self.names, functions, strict=True):
            tasks.task(name=name, keep_result=True)(function)

    @property
    def jobs(self) -> list[NewJob]:
        """One of each."""
        return [NewJob(name, {"order": name}) for name in self.names]

    @property
    def all_ran(self) -> bool:
        """Whether every body has run."""
        return sorted(self.ran) == sorted("partial EUR" if name == "partial" else name for name in self.names)


def _in_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@pytest.fixture
def charging(tasks: Tasks) -> Charging:
    """That application."""
    return Charging(tasks)


def test_a_worker_awaits_whatever_a_handler_returns(
    database: PrivateDatabase, workers: Workers, charging: Charging
) -> None:
    database.put(*charging.jobs)
    workers.drain(charging.tasks)

    assert charging.all_ran
    assert {status for (status,) in database.archive("status")} == {"success"}
    assert sorted(result for (result,) in database.archive("result") if result) == [
        '"decorated"', '"delegating"', '"in_a_task"',
    ]  # fmt: skip


def test_drain_and_process_next_job_do_the_same(sqlite: PrivateDatabase, charging: Charging) -> None:
    sqlite.put(*charging.jobs)
    with sqlite.connection() as connection:
        assert [run.outcome for run in drain(connection, charging.tasks)] == ["succeeded"] * 6
        connection.rollback()
    assert charging.all_ran

    charging.ran.clear()
    while process_next_job(sqlite.url, charging.tasks):
        pass
    assert charging.all_ran


def test_a_drain_in_a_loop_does_the_same(sqlite: PrivateDatabase, tasks: Tasks) -> None:
    aiosqlite = pytest.importorskip("aiosqlite")
    ran = []

    async def far(n: int) -> None:
        await asyncio.sleep(0)
        ran.append((n, asyncio.current_task()))

    task = tasks.task(name="far")(traced(far))
    sqlite.put(task.job(n=1))

    async def drained() -> Any:
        async with aiosqlite.connect(sqlite.url.removeprefix("sqlite:///")) as connection:
            await adrain(connection, tasks)
        return asyncio.current_task()

    own = asyncio.run(drained())
    assert ran == [(1, own)], "in the test's own task: sessions are kept by task"


def test_inline_jobs_do_the_same(sqlite: PrivateDatabase, charging: Charging) -> None:
    with sqlite.connection() as connection, inline(charging.tasks) as ran:
        charging.tasks["decorated"].enqueue(connection, order="decorated")

    assert charging.ran == ["decorated"]
    assert [run.outcome for run in ran] == ["succeeded"]


def test_a_lambda_around_a_coroutine_is_awaited_too(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    async def handle(job: Job) -> None:
        await asyncio.sleep(0)
        seen.append(job.payload)

    database.put(NewJob("greet", 1))
    workers.drain(lambda job: handle(job))

    assert seen == [1]


def test_an_error_in_what_is_awaited_fails_the_run(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    async def far() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    task = tasks.task(name="far")(traced(far))
    database.put(task.job())
    workers.drain(tasks)

    [(status, errors)] = database.archive("status", "errors")
    assert status == "failure"
    assert "ValueError: no" in errors


def test_its_slot_is_taken_for_as_long(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    at_once, most = 0, 0

    async def far() -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.02)
        at_once -= 1

    tasks.task(name="hidden")(traced(far))
    tasks.task(name="open")(far)
    database.put(*[NewJob(name, {}) for name in ["hidden", "open"] * 6])
    workers.drain(tasks, queues={"default": 2})

    assert most == 2


def test_its_time_limit_cancels_it(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    ended = []

    async def far() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    task = tasks.task(name="far", time_limit=0.1)(traced(far))
    database.put(task.job())
    workers.drain(tasks)

    [(errors,)] = database.archive("errors")
    assert "over its time limit of 0.1 s" in errors
    assert ended == [True]
    assert len(workers.recorder.of("job.overdue")) == 1


def test_a_stop_cancels_it(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    begun, ended = threading.Event(), []

    async def far() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            ended.append(True)

    task = tasks.task(name="far")(traced(far))
    database.put(task.job())
    worker = workers.new(tasks)
    worker.start()
    assert begun.wait(60)
    worker.stop(0.1)

    assert ended == [True]
    assert database.count("job") == 1, "given back"


def test_a_generator_is_no_task(tasks: Tasks) -> None:
    def rows() -> Any:
        yield 1

    async def far_rows() -> Any:
        yield 1

    for function in (rows, far_rows, functools.partial(rows)):
        with pytest.raises(ConfigurationError, match="has a `yield` in it"):
            tasks.task(name="rows")(function)


@pytest.mark.parametrize("is_async", [False, True])
def test_a_handler_that_returns_a_generator_fails_its_run(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, is_async: bool
) -> None:
    def rows() -> Any:
        yield 1

    async def far_rows() -> Any:
        yield 1

    task = tasks.task(name="rows")(traced(far_rows if is_async else rows))
    database.put(task.job())
    workers.drain(tasks)

    [(status, errors)] = database.archive("status", "errors")
    assert status == "failure"
    assert "returned a generator that was never run" in errors


def test_a_middleware_that_keeps_the_coroutine_fails_the_run(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.use
    def forgetful(job: Job, call_next: Callable[[Job], Any]) -> None:
        call_next(job)

    ran = []

    @tasks.task
    async def far() -> None:
        ran.append("far")

    @tasks.task
    def near() -> None:
        ran.append("near")

    database.put(far.job(), near.job())
    workers.drain(tasks)

    assert ran == ["near"]
    assert sorted(database.archive()) == [("far", "failure"), ("near", "success")]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE job_type = 'far'")
    assert "instead of what call_next(job) returned" in errors


def test_a_middleware_may_leave_a_job_out(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.use
    def not_today(job: Job, call_next: Callable[[Job], Any]) -> None: ...

    @tasks.task
    async def far() -> None: ...

    database.put(far.job())
    workers.drain(tasks)

    assert database.archive() == [("far", "success")]


def test_a_hook_that_returns_something_to_await_is_awaited(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    told = []

    async def tell(job: Job, error: BaseException) -> None:
        await asyncio.sleep(0)
        told.append(str(error))

    def handle(job: Job) -> None:
        raise ValueError("no")

    sqlite.put(NewJob("greet"), NewJob("greet"))
    Workers(sqlite, recorder).drain(handle, failed_job=traced(tell))
    assert told == ["no", "no"]

    sqlite.put(NewJob("greet"))
    assert process_next_job(sqlite.url, handle, failed_job=traced(tell))
    assert told == ["no"] * 3


@pytest.mark.parametrize("after", [False, True])
def test_a_coroutine_that_stops_its_loop_costs_itself_only(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, after: bool
) -> None:
    ran = []

    @tasks.task
    async def stops() -> None:
        asyncio.get_running_loop().stop()
        if after:
            await asyncio.sleep(0.05)

    @tasks.task
    async def fine(n: int) -> None:
        await asyncio.sleep(0.1)
        ran.append(n)

    with workers.running(tasks):
        database.put(*[fine.job(n=n) for n in range(3)], stops.job())
        workers.archived(4)
        database.put(fine.job(n=3))
        workers.archived(5)

    assert sorted(ran) == [0, 1, 2, 3]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE job_type = 'stops'")
    assert "a handler must not stop it" in errors


def test_a_loop_that_is_stopped_all_the_same_goes_on(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    ran = []

    @tasks.task
    async def stops() -> None:
        loop = asyncio.get_running_loop()
        type(loop).stop(loop)  # past what we have put in its way
        await asyncio.sleep(0.05)
        ran.append("stops")

    database.put(stops.job())
    workers.drain(tasks)

    assert ran == ["stops"]
    assert database.archive() == [("stops", "success")]
    assert workers.recorder.names("loop.") == ["loop.interrupted"]


def test_a_stop_waits_for_no_coroutine_that_will_not_end(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    begun = threading.Event()

    async def deaf() -> None:
        begun.set()
        while True:
            try:
                await asyncio.sleep(60)
            except asyncio.CancelledError:
                continue

    task = tasks.task(name="deaf")(traced(deaf))
    database.put(task.job())
    worker = workers.new(tasks)
    worker.start()
    assert begun.wait(60)
    before = time.monotonic()
    with pytest.raises(StopTimeout, match="deaf"):
        worker.stop(0.1)
    assert time.monotonic() - before < 15

    wait_until(lambda: database.count("job") == 1, what="the job to be given back")
