"""The events of a worker: which, in which order, and what they know."""

from __future__ import annotations

import logging

import pytest

from proletarian import Job, NewJob, Retry, Tasks, Worker
from proletarian.events import LEVELS
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

CONTEXT = {"worker", "queue", "job_id", "job_type", "attempt"}


def test_a_whole_life_in_events(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task(retry=Retry(1))
    def greet(job: Job) -> None:
        if job.attempts == 1:
            raise ValueError("the first time")

    [job_id] = database.put(greet.job())
    with workers.running(tasks):
        workers.archived()

    recorder = workers.recorder
    assert [name for name in recorder.names() if not name.startswith("database.")] == [
        "worker.liveness",
        "worker.started",
        "jobs.claimed",
        "job.started",
        "job.failed",
        "job.retrying",
        "jobs.claimed",
        "job.started",
        "job.succeeded",
        "worker.stopping",
        "worker.stopped",
    ]
    for name in ("job.started", "job.failed", "job.retrying", "job.succeeded"):
        known = recorder.of(name)[0]
        assert known.keys() >= CONTEXT
        assert (known["job_id"], known["job_type"], known["queue"]) == (job_id, "greet", "default")
    assert [known["attempt"] for known in recorder.of("job.started")] == [1, 2]
    assert recorder.of("jobs.claimed")[0]["count"] == 1
    assert 0 <= recorder.of("job.started")[0]["waited"] < 60
    assert 0 <= recorder.of("job.succeeded")[0]["ran"] < 60
    assert str(recorder.of("job.failed")[0]["error"]) == "the first time"
    assert recorder.of("worker.started")[0]["queues"] == {"default": 10}


def test_every_event_has_a_level(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None:
        raise ValueError

    database.put(greet.job(), NewJob("novel"))
    workers.drain(tasks)

    assert {name for name in workers.recorder.names() if name not in LEVELS} == set()


def test_a_log_that_raises_costs_no_job(sqlite: PrivateDatabase) -> None:
    def log(event: str, data: dict[str, object]) -> None:
        if event == "job.succeeded":
            raise OSError("the disk of the log is full")

    sqlite.put(NewJob("greet"))
    Worker(sqlite.url, lambda job: None, log=log).drain()

    assert sqlite.count("archived_job") == 1


def test_the_default_writes_to_logging(sqlite: PrivateDatabase, caplog: pytest.LogCaptureFixture) -> None:
    def handle(job: Job) -> None:
        raise ValueError("the reason")

    sqlite.put(NewJob("greet"))
    with caplog.at_level(logging.INFO, logger="proletarian.worker"):
        Worker(sqlite.url, handle).drain()

    failed = next(record for record in caplog.records if record.__dict__["event"] == "job.failed")
    assert failed.levelno == logging.WARNING
    assert failed.exc_info is not None
    assert failed.__dict__["data"]["job_type"] == "greet"
    given_up = next(record for record in caplog.records if record.__dict__["event"] == "job.given_up")
    assert given_up.levelno == logging.ERROR
    assert "job.started" not in {record.__dict__["event"] for record in caplog.records}, "that is for debugging"
