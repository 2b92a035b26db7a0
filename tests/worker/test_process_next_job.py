"""Exactly one job, in this thread."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import psycopg
import pytest

from proletarian import (
    ConfigurationError,
    Job,
    NewJob,
    Retry,
    SchemaOutOfDate,
    Tasks,
    UnknownConnection,
    WrongCall,
    process_next_job,
)
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.worker.recorder import Recorder


def test_by_url_one_job_is_run(database: PrivateDatabase, recorder: Recorder) -> None:
    seen = []

    def handle(job: Job) -> None:
        seen.append((job.payload, threading.current_thread() is threading.main_thread()))

    database.put(NewJob("greet", 1), NewJob("greet", 2))

    assert process_next_job(database.url, handle, log=recorder)
    assert seen == [(1, True)]
    assert process_next_job(database.url, handle, log=recorder)
    assert not process_next_job(database.url, handle, log=recorder)
    assert database.archive("status", "attempts") == [("success", 1)] * 2
    assert database.count("worker") == 0
    assert recorder.names("job.") == ["job.started", "job.succeeded"] * 2


def test_on_a_connection_all_of_it_is_in_its_transaction(database: PrivateDatabase, recorder: Recorder) -> None:
    database.put(NewJob("greet", 1))
    with database.connection() as connection:
        assert process_next_job(connection, lambda job: None, log=recorder)
        connection.rollback()
    assert database.count("job") == 1
    with database.connection() as connection:
        assert process_next_job(connection, lambda job: None, log=recorder)
        assert not process_next_job(connection, lambda job: None, log=recorder)
        connection.commit()

    assert database.archive() == [("greet", "success")]
    assert database.count("job") == database.count("running_job") == database.count("worker") == 0


def test_on_a_connection_a_job_that_is_not_committed_yet_can_be_run(database: PrivateDatabase) -> None:
    tasks, seen = Tasks(), []

    @tasks.task
    def greet(name: str) -> None:
        seen.append(name)

    with database.connection() as connection:
        greet.enqueue(connection, name="Ada")
        assert process_next_job(connection, tasks)
        connection.rollback()

    assert seen == ["Ada"]
    assert database.count("archived_job") == 0


def test_complete_on_the_same_connection(database: PrivateDatabase) -> None:
    database.put(NewJob("greet"))
    with database.connection() as connection:
        assert process_next_job(connection, lambda job: job.complete(connection, result=1))
        connection.commit()

    assert database.archive("status", "result") == [("success", "1")]


def test_a_failure_is_recorded_not_raised(database: PrivateDatabase, recorder: Recorder) -> None:
    seen: list[Any] = []

    def handle(job: Job) -> None:
        raise ValueError("the reason")

    database.put(NewJob("greet"))
    options: dict[str, Any] = {
        "retry": Retry(1),
        "failed_job": lambda job, error: seen.append(str(error)),
        "log": recorder,
    }
    assert process_next_job(database.url, handle, **options)
    assert seen == []
    assert process_next_job(database.url, handle, **options)

    assert seen == ["the reason"]
    assert database.archive("status", "attempts") == [("failure", 2)]


def test_a_coroutine_runs_too(database: PrivateDatabase) -> None:
    async def handle(job: Job) -> None:
        await asyncio.sleep(0)

    database.put(NewJob("greet"))

    assert process_next_job(database.url, handle)
    assert database.archive() == [("greet", "success")]


def test_a_queue_of_another_name(database: PrivateDatabase) -> None:
    database.put(NewJob("greet", queue="mail"))

    assert not process_next_job(database.url, lambda job: None)
    assert process_next_job(database.url, lambda job: None, queue_name="mail")


def test_what_cannot_be_is_refused(postgresql: PrivateDatabase, new_database: DatabaseOf) -> None:
    with pytest.raises(UnknownConnection):
        process_next_job(object(), lambda job: None)
    with pytest.raises(ConfigurationError, match="handler"):
        process_next_job(postgresql.url, "greet")  # type: ignore[arg-type]
    with pytest.raises(SchemaOutOfDate, match="proletarian migrate"):
        process_next_job(new_database("postgresql").url, lambda job: None)

    async def wrong_connection() -> None:
        async with await psycopg.AsyncConnection.connect(postgresql.url) as connection:
            process_next_job(connection, lambda job: None)

    with pytest.raises(WrongCall):
        asyncio.run(wrong_connection())
