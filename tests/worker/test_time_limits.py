"""Jobs that take too long: coroutines are cancelled, plain functions are told."""

from __future__ import annotations

import asyncio
import json
import time

import pytest

from proletarian import ConfigurationError, Job, Retry, Tasks
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


def test_a_coroutine_over_its_limit_is_cancelled_and_has_failed(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(time_limit=0.2, retry=Retry(1))
    async def slow() -> None:
        await asyncio.sleep(60)

    database.put(slow.job())
    started = time.monotonic()
    workers.drain(tasks)

    assert time.monotonic() - started < 10
    [(status, attempts, errors)] = database.archive("status", "attempts", "errors")
    assert (status, attempts) == ("failure", 2)
    assert [(error["type"], error["message"]) for error in json.loads(errors)] == [
        ("TimeoutError", "over its time limit of 0.2 s")
    ] * 2
    assert workers.recorder.of("job.overdue")[0]["time_limit"] == 0.2


def test_a_plain_function_is_told(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    told: list[bool | str | None] = []

    @tasks.task(time_limit=0.2)
    def slow(job: Job) -> None:
        told.append(job.stopping.wait(60))
        told.append(job.stopping.why)
        raise TimeoutError("given up half-way")

    database.put(slow.job())
    workers.drain(tasks)

    assert told == [True, "the job is over its time limit"]
    assert database.archive("status", "attempts") == [("failure", 1)]
    assert workers.recorder.names("job.") == ["job.started", "job.overdue", "job.failed", "job.given_up"]


def test_a_plain_function_that_ends_all_the_same_has_succeeded(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(time_limit=0.1)
    def slow(job: Job) -> None:
        job.stopping.wait(60)

    database.put(slow.job())
    workers.drain(tasks)

    assert database.archive() == [("slow", "success")]


def test_in_time_nobody_is_told(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(time_limit=60)
    def quick(job: Job) -> None:
        assert not job.stopping.is_set()

    @tasks.task(time_limit=60)
    async def quick_too(job: Job) -> None:
        assert not job.stopping.is_set()

    database.put(*[quick.job(), quick_too.job()] * 5)
    workers.drain(tasks)

    assert {status for (status,) in database.archive("status")} == {"success"}
    assert "job.overdue" not in workers.recorder.names()


def test_a_time_out_of_the_handlers_own_is_an_ordinary_error(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(time_limit=60)
    async def hasty() -> None:
        raise TimeoutError("of a library")

    database.put(hasty.job())
    workers.drain(tasks)

    [(errors,)] = database.archive("errors")
    assert json.loads(errors)[0]["message"] == "of a library"
    assert "job.overdue" not in workers.recorder.names()


@pytest.mark.parametrize("limit", [0, -1])
def test_a_limit_that_cannot_be_is_refused(tasks: Tasks, limit: float) -> None:
    with pytest.raises(ConfigurationError, match="time_limit is seconds or a timedelta, more than 0"):
        tasks.task(time_limit=limit)
