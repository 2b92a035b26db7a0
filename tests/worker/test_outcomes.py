"""What a handler can say about its job: not now, not at all, done in my own transaction."""

from __future__ import annotations

import json
import time
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from proletarian import Cancel, ConfigurationError, Job, LeaseLost, NewJob, ProletarianError, Retry, Snooze, Tasks
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


@pytest.mark.parametrize("seconds", [0.2, timedelta(seconds=0.2)])
def test_snooze_runs_the_job_again_later_uncounted(
    database: PrivateDatabase, workers: Workers, seconds: float | timedelta
) -> None:
    runs: list[tuple[int, float]] = []

    def handle(job: Job) -> None:
        runs.append((job.attempts, time.monotonic()))
        if len(runs) < 3:
            raise Snooze(seconds)

    database.put(NewJob("greet"))
    with workers.running(handle):
        workers.archived()

    assert [attempts for attempts, _ in runs] == [1, 1, 1]
    assert 0.19 <= runs[1][1] - runs[0][1] < 2
    assert database.archive("status", "attempts", "errors") == [("success", 1, None)]
    assert workers.recorder.names("job.")[:4] == ["job.started", "job.snoozed", "job.started", "job.snoozed"]


def test_cancel_archives_the_job_with_its_reason(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(retry=Retry(5))
    def greet() -> None:
        raise Cancel("the account is gone")

    database.put(greet.job())
    workers.drain(tasks)

    [(status, attempts, errors)] = database.archive("status", "attempts", "errors")
    assert (status, attempts) == ("cancelled", 1)
    assert json.loads(errors)[0]["message"] == "the account is gone"
    assert workers.recorder.names("job.") == ["job.started", "job.cancelled"]


def test_cancel_calls_no_hook(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    def handle(job: Job) -> None:
        raise Cancel

    database.put(NewJob("greet"))
    workers.drain(handle, failed_job=lambda job, error: seen.append(job))

    assert seen == []


@pytest.mark.parametrize("seconds", [-1, float("nan"), float("inf")])
def test_a_snooze_without_end_is_a_failure(database: PrivateDatabase, workers: Workers, seconds: float) -> None:
    def handle(job: Job) -> None:
        raise Snooze(seconds)

    database.put(NewJob("greet"))
    workers.drain(handle)

    [(status, errors)] = database.archive("status", "errors")
    assert status == "failure"
    assert "Snooze is seconds or a timedelta" in errors


def test_complete_commits_the_work_and_the_job_together(database: PrivateDatabase, workers: Workers) -> None:
    database.rows("CREATE TABLE IF NOT EXISTS work (n INTEGER)")
    database.rows("DELETE FROM work")

    def handle(job: Job) -> None:
        with database.connection() as connection:
            connection.cursor().execute("INSERT INTO work VALUES (1)")
            job.complete(connection, result={"n": 1})
            connection.commit()
        raise ValueError("too late to matter")

    database.put(NewJob("greet"))
    workers.drain(handle)

    assert database.rows("SELECT n FROM work") == [(1,)]
    assert database.archive("status", "attempts", "result") == [("success", 1, '{"n":1}')]
    assert workers.recorder.names("job.")[-1] == "job.succeeded"


def test_complete_that_is_rolled_back_is_a_failure(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        with database.connection() as connection:
            job.complete(connection)
            connection.rollback()

    database.put(NewJob("greet"))
    workers.drain(handle)

    [(status, errors)] = database.archive("status", "errors")
    assert status == "failure"
    assert "not committed" in errors


def test_an_error_after_complete_in_its_transaction_is_retried(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(retry=Retry(1))
    def greet(job: Job) -> None:
        with database.connection() as connection:
            job.complete(connection)
            if job.attempts == 1:
                raise ValueError("and so nothing is committed")
            connection.commit()

    database.put(greet.job())
    workers.drain(tasks)

    assert database.archive("status", "attempts") == [("success", 2)]


def test_complete_a_second_time_raises(database: PrivateDatabase, workers: Workers) -> None:
    seen: list[BaseException] = []

    def handle(job: Job) -> None:
        with database.connection() as connection:
            job.complete(connection)
            connection.commit()
            try:
                job.complete(connection)
            except LeaseLost as error:
                seen.append(error)
                connection.rollback()

    database.put(NewJob("greet"))
    workers.drain(handle)

    assert len(seen) == 1
    assert database.archive("status") == [("success",)]


def test_complete_on_an_async_connection(postgresql: PrivateDatabase, recorder: Any) -> None:
    async def handle(job: Job) -> None:
        async with await psycopg.AsyncConnection.connect(postgresql.url) as connection:
            await job.acomplete(connection, result=3)

    postgresql.put(NewJob("greet"))
    Workers(postgresql, recorder).drain(handle)

    assert postgresql.archive("status", "result") == [("success", "3")]


def test_a_job_outside_of_a_worker_has_nothing_to_complete() -> None:
    with pytest.raises(ConfigurationError, match="not run by a worker"):
        Job().complete(object())
    with pytest.raises(ProletarianError):
        Job().progress(1)
