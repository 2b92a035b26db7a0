"""
What type checkers make of the typed API: `assert_type` is checked by mypy and pyright, not at run time.

`wrong.py` beside it holds what they have to refuse.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, assert_type

from proletarian import Job, NewJob, Queue, Retry, Task, Tasks, Worker, enqueue, enqueue_many, process_next_job

connection: object = ...
tasks = Tasks(retry=Retry.exponential(5))


@tasks.task
def bare(account_id: int) -> str:
    return "done"


@tasks.task(queue="mail", priority=3, retry=Retry(4, delays=[1, 5]), time_limit=60, keep_result=True)
def with_options(job: Job, account_id: int, note: str = "") -> float:
    return 1.0


@tasks.task
async def coroutine(job: Job, name: str) -> int:
    return 1


@tasks.task(name="other")
async def coroutine_with_options(name: str) -> bytes:
    return b""


@tasks.task
def only_the_job(job: Job) -> None: ...


@tasks.task
def nothing() -> None: ...


def strategy(job: Job, error: BaseException) -> Retry | None:
    return Retry(1) if isinstance(error, OSError) else None


@tasks.task(retry=strategy)
def with_a_strategy(connection: str) -> None: ...


assert_type(bare(1), str)
assert_type(with_options(1, note="x"), float)
assert_type(bare.job(account_id=1), NewJob)
assert_type(bare.using(queue="slow"), Task[[int], str]) if False else None


def calls() -> None:
    """All that must be accepted."""
    bare.enqueue(connection, 1)
    bare.enqueue(connection, account_id=1)
    with_options.enqueue(connection, 1)
    with_options.enqueue(connection, 1, "note")
    with_options.enqueue(connection, account_id=1, note="note")
    with_options.using(process_in=60, priority=5, queue="slow").enqueue(connection, account_id=1)
    with_options.using(process_at=datetime.now(), headers={"a": "b"}).using(process_in=timedelta(hours=1))  # noqa: DTZ005
    coroutine.enqueue(connection, name="x")
    coroutine_with_options.enqueue(connection, "x")
    only_the_job.enqueue(connection)
    nothing.enqueue(connection)
    with_a_strategy.enqueue(connection, connection="the parameter of that name")
    enqueue(connection, "bare", {"account_id": 1}, queue="mail", process_in=1.5, priority=1)
    assert_type(enqueue_many(connection, [bare.job(1), NewJob("bare", {"account_id": 1})]), list[Any])
    queue = Queue()
    queue.enqueue(connection, "bare")


async def async_calls() -> None:
    await bare.aenqueue(connection, account_id=1)
    await coroutine.aenqueue(connection, name="x")
    await nothing.aenqueue(connection)


def handle(job: Job) -> None:
    assert_type(job.attempts, int)
    assert_type(job.headers, Mapping[str, str])
    assert_type(job.stopping.is_set(), bool)
    job.progress(1, 2)


async def ahandle(job: Job) -> None: ...


def workers() -> None:
    Worker("sqlite:///jobs.db", tasks, queues={"default": 10, "mail": 2})
    Worker("sqlite:///jobs.db", handle)
    Worker("sqlite:///jobs.db", ahandle)
    with Worker("sqlite:///jobs.db", tasks) as worker:
        assert_type(worker, Worker)
        assert_type(worker.drain(), int)
    assert_type(process_next_job("sqlite:///jobs.db", tasks), bool)


@tasks.use
def middleware(job: Job, call_next: Callable[[Job], Any]) -> Any:
    return call_next(job)
