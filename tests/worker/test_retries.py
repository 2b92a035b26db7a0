"""Failures: tried again as the strategy says, with every error kept, and given up in the end."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Retry, RetryAfter, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def errors_of(database: PrivateDatabase, table: str = "archived_job") -> list[dict[str, Any]]:
    """The errors that the only row of a table keeps."""
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table(table)}")
    found: list[dict[str, Any]] = json.loads(errors)
    return found


def test_without_a_strategy_the_first_failure_is_the_last(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        raise ValueError("no such account")

    database.put(NewJob("greet"))
    workers.drain(handle)

    assert database.archive("status", "attempts") == [("failure", 1)]
    [error] = errors_of(database)
    assert (error["attempt"], error["type"], error["message"]) == (1, "ValueError", "no such account")
    assert 'raise ValueError("no such account")' in error["traceback"]
    assert ":" in error["worker"]
    assert workers.recorder.names("job.") == ["job.started", "job.failed", "job.given_up"]


def test_a_strategy_counts_its_retries(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    attempts = []

    @tasks.task(retry=Retry(2))
    def greet(job: Job) -> None:
        attempts.append(job.attempts)
        raise ValueError(f"attempt {job.attempts}")

    database.put(greet.job())
    workers.drain(tasks)

    assert attempts == [1, 2, 3]
    assert database.archive("status", "attempts") == [("failure", 3)]
    assert [(error["attempt"], error["message"]) for error in errors_of(database)] == [
        (1, "attempt 1"),
        (2, "attempt 2"),
        (3, "attempt 3"),
    ]


def test_a_later_success_counts_the_failures(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(retry=Retry(5))
    async def greet(job: Job) -> None:
        if job.attempts < 3:
            raise ValueError

    database.put(greet.job())
    workers.drain(tasks)

    assert database.archive("status", "attempts") == [("success", 3)]
    assert len(errors_of(database)) == 2


def test_a_retry_waits_its_delay(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    runs = []

    @tasks.task(retry=Retry(2, delays=[0.3, 0.6]))
    def greet() -> None:
        runs.append(time.monotonic())
        raise ValueError

    database.put(greet.job())
    with workers.running(tasks):
        workers.archived()

    first, second, third = runs
    assert 0.29 <= second - first < 2
    assert 0.59 <= third - second < 2
    assert [data["retry_in"] for data in workers.recorder.of("job.retrying")] == [0.3, 0.6]


def test_tasks_may_have_one_strategy_for_all(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks(retry=Retry(1))

    @tasks.task
    def common(job: Job) -> None:
        raise ValueError

    @tasks.task(retry=Retry(3))
    def own(job: Job) -> None:
        raise ValueError

    database.put(common.job(), own.job())
    workers.drain(tasks)

    assert dict(database.archive("job_type", "attempts")) == {"common": 2, "own": 4}


def test_a_worker_may_have_one_for_handlers_without(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        raise ValueError

    database.put(NewJob("greet"))
    workers.drain(handle, retry=Retry(1))

    assert database.archive("attempts") == [(2,)]


def test_a_function_sees_the_job_and_the_error(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen = []

    def strategy(job: Job, error: BaseException) -> Retry | None:
        seen.append((job.job_type, job.payload, job.attempts, str(error)))
        return Retry(1) if isinstance(error, ConnectionError) else None

    @tasks.task(retry=strategy)
    def passing(n: int) -> None:
        raise ConnectionError("try again")

    @tasks.task(retry=strategy)
    def final(n: int) -> None:
        raise ValueError("never")

    database.put(passing.job(n=1))
    workers.drain(tasks)
    database.put(final.job(n=2))
    workers.drain(tasks)

    assert seen == [
        ("passing", {"n": 1}, 1, "try again"),
        ("passing", {"n": 1}, 2, "try again"),
        ("final", {"n": 2}, 1, "never"),
    ]
    assert database.archive("job_type", "attempts") == [("passing", 2), ("final", 1)]


@pytest.mark.parametrize("nonsense", [3, {"retries": 1}, Retry])
def test_a_strategy_that_gives_nonsense_costs_its_job_only(
    sqlite: PrivateDatabase, recorder: Recorder, nonsense: Any
) -> None:
    def handle(job: Job) -> None:
        if job.job_type == "bad":
            raise ValueError("the reason")

    sqlite.put(NewJob("bad"), NewJob("good"))
    Worker(sqlite.url, handle, retry=lambda job, error: nonsense, log=recorder).drain()

    assert sorted(sqlite.archive()) == [("bad", "failure"), ("good", "success")]
    [(errors,)] = sqlite.rows("SELECT errors FROM proletarian_archived_job WHERE job_type = 'bad'")
    assert "must return a Retry or None" in errors
    assert "the reason" in errors, "the first cause is kept as well"


def test_a_strategy_that_raises_costs_its_job_only(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        if job.job_type == "bad":
            raise ValueError("the reason")

    def strategy(job: Job, error: BaseException) -> Retry | None:
        raise KeyError("the strategy")

    database.put(NewJob("bad"), NewJob("good"))
    workers.drain(handle, retry=strategy)

    assert sorted(database.archive()) == [("bad", "failure"), ("good", "success")]
    [(errors,)] = database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE job_type = 'bad'")
    [error] = json.loads(errors)
    assert error["type"] == "KeyError"
    assert "the reason" in error["traceback"]


def test_retry_after_says_when(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(retry=Retry(3, delays=[100]))
    def greet(job: Job) -> None:
        if job.attempts == 1:
            raise RetryAfter(0.2, "the server is busy")

    database.put(greet.job())
    with workers.running(tasks):
        workers.archived(seconds=5)

    assert database.archive("status", "attempts") == [("success", 2)]
    assert errors_of(database)[0]["message"] == "the server is busy"


def test_retry_after_is_bound_by_the_strategy(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(retry=Retry(2))
    def bound() -> None:
        raise RetryAfter(0)

    database.put(bound.job())
    workers.drain(tasks)

    assert database.archive("status", "attempts") == [("failure", 3)]


def test_retry_after_without_a_strategy_goes_on(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        if job.attempts < 5:
            raise RetryAfter(0)

    database.put(NewJob("greet"))
    workers.drain(handle)

    assert database.archive("status", "attempts") == [("success", 5)]


def test_only_the_latest_errors_are_kept(sqlite: PrivateDatabase) -> None:
    def handle(job: Job) -> None:
        raise ValueError(f"attempt {job.attempts} " + "x" * 50_000)

    sqlite.put(NewJob("greet"))
    Worker(sqlite.url, handle, retry=Retry(30)).drain()

    errors = errors_of(sqlite)
    assert errors[-1]["message"].startswith("attempt 31 ")
    assert len(errors) == 10
    assert len(json.dumps(errors)) < 150_000


@pytest.mark.parametrize(
    "message",
    ["NUL \0 in it", "lone surrogate \ud800", "漢字 😀", "' \" % \\ :name"],
    ids=["nul", "lone", "odd", "sql"],
)
def test_any_message_can_be_kept(database: PrivateDatabase, workers: Workers, message: str) -> None:
    def handle(job: Job) -> None:
        raise ValueError(message)

    database.put(NewJob("greet"))
    workers.drain(handle)

    assert database.archive() == [("greet", "failure")]
    assert errors_of(database)[0]["type"] == "ValueError"


def test_the_failed_job_hook_is_called_once_and_after_the_fact(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    def handle(job: Job) -> None:
        raise ValueError(f"attempt {job.attempts}")

    def failed_job(job: Job, error: BaseException) -> None:
        seen.append((job.job_type, job.payload, job.attempts, str(error), database.archive()))

    database.put(NewJob("greet", {"n": 1}))
    workers.drain(handle, retry=Retry(1), failed_job=failed_job)

    assert seen == [("greet", {"n": 1}, 2, "attempt 2", [("greet", "failure")])]


def test_the_failed_job_hook_may_be_async(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    async def failed_job(job: Job, error: BaseException) -> None:
        seen.append(job.job_type)

    database.put(NewJob("greet"))
    workers.drain(failing, failed_job=failed_job)

    assert seen == ["greet"]


def failing(job: Job) -> None:
    """A handler that fails, but for good jobs."""
    if job.job_type != "good":
        raise ValueError("the reason")


def test_a_failed_job_hook_that_raises_changes_nothing(database: PrivateDatabase, workers: Workers) -> None:
    def failed_job(job: Job, error: BaseException) -> None:
        raise SystemExit("the hook")

    database.put(NewJob("bad"), NewJob("bad"), NewJob("good"))
    workers.drain(failing, failed_job=failed_job)

    assert sorted(database.archive()) == [("bad", "failure"), ("bad", "failure"), ("good", "success")]
    assert len(workers.recorder.of("job.hook_failed")) == 2


def test_a_slow_hook_delays_no_job(database: PrivateDatabase, workers: Workers) -> None:
    finish = threading.Event()

    database.put(NewJob("bad"))
    with workers.running(failing, failed_job=lambda job, error: finish.wait(20)):
        workers.archived(1)
        database.put(NewJob("good"))
        found = workers.archived(2, seconds=5)
        finish.set()

    assert found == [("bad", "failure"), ("good", "success")]


def test_a_wrong_strategy_is_refused_at_once(tasks: Tasks) -> None:
    with pytest.raises(ConfigurationError, match="retry is a Retry"):
        Worker("sqlite:///jobs.db", print, retry=3)  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="retry is a Retry"):
        tasks.task(retry="often")  # type: ignore[call-overload]
    with pytest.raises(ConfigurationError, match="retry is a Retry"):
        Tasks(retry={"retries": 4})  # type: ignore[arg-type]


def test_jobs_that_wait_for_a_retry_hold_up_nobody(database: PrivateDatabase, workers: Workers) -> None:
    database.put(*[NewJob("bad")] * 20, *[NewJob("good")] * 20)
    with workers.running(failing, retry=Retry(3, delays=[3600]), queues={"default": 2}):
        assert workers.archived(20, seconds=10) == [("good", "success")] * 20
        wait_until(lambda: database.count("job") == 20, seconds=5)
