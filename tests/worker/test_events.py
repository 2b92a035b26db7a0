"""The events of a worker: which, in which order, and what they know."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from proletarian import Cancel, Job, NewJob, Retry, Snooze, Tasks, Worker, process_next_job
from proletarian.events import LEVELS
from proletarian.testing import drain
from tests.databases import PrivateDatabase
from tests.worker.recorder import Recorder
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


def test_the_end_of_a_run_is_told_alike_whoever_ran_it(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()

    @tasks.task
    def good() -> None: ...

    @tasks.task(retry=Retry(1, delays=[3600]))
    def fails() -> None:
        raise ValueError("no")

    @tasks.task
    def hopeless() -> None:
        raise ValueError("no")

    @tasks.task
    def waits() -> None:
        raise Snooze(3600)

    @tasks.task
    def pointless() -> None:
        raise Cancel

    jobs = [task.job() for task in (good, fails, hopeless, waits, pointless)]

    def one_at_a_time(where: Any, log: Recorder) -> None:
        while process_next_job(where, tasks, log=log):
            pass

    told = []
    ways: list[Callable[[Recorder, Any], object]] = [
        lambda log, _: workers.new(tasks, log=log).drain(),
        lambda log, _: one_at_a_time(database.url, log),
        lambda log, connection: one_at_a_time(connection, log),
        lambda log, connection: drain(connection, tasks, raise_errors=False, log=log),
    ]
    for run in ways:
        database.empty()
        database.put(*jobs)
        log = Recorder()
        with database.connection() as connection:
            run(log, connection)
            connection.rollback()
        told.append(
            {
                data["job_type"]: (event, {*data} - {"worker"}, data.get("failures"), data.get("retry_in"))
                for event, data in log.events
                if event.startswith("job.") and event not in ("job.started", "job.failed")
            }
        )

    assert told[0] == told[1] == told[2] == told[3]
    known = {"queue", "job_id", "job_type", "attempt"}
    assert told[0] == {
        "good": ("job.succeeded", known | {"ran"}, None, None),
        "fails": ("job.retrying", known | {"error", "failures", "retry_in"}, 1, 3600),
        "hopeless": ("job.given_up", known | {"error", "failures"}, 1, None),
        "waits": ("job.snoozed", known | {"error", "retry_in"}, None, 3600),
        "pointless": ("job.cancelled", known | {"error"}, None, None),
    }


def test_a_log_that_raises_harms_no_job_whoever_ran_it(database: PrivateDatabase, tasks: Tasks) -> None:
    ran = []

    @tasks.task
    def greet(n: int) -> None:
        ran.append(n)

    def log(event: str, data: dict[str, Any]) -> None:
        raise OSError("no space left on device")

    database.put(*[greet.job(n=n) for n in range(3)])
    assert process_next_job(database.url, tasks, log=log)
    with database.connection() as connection:
        assert process_next_job(connection, tasks, log=log)
        assert [run.outcome for run in drain(connection, tasks, log=log)] == ["succeeded"]
        connection.commit()

    assert sorted(ran) == [0, 1, 2]
    assert database.archive() == [("greet", "success")] * 3


def test_the_default_log_has_one_template_an_event_and_the_exception(
    sqlite: PrivateDatabase, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    @tasks.task
    def fail() -> None:
        raise ValueError("no\nluck")

    sqlite.put(fail.job(), fail.job())
    with caplog.at_level(logging.INFO, "proletarian.worker"):
        Worker(sqlite.url, tasks).drain()

    told = [record for record in caplog.records if getattr(record, "event", "") == "job.given_up"]
    assert [record.msg for record in told] == ["job.given_up %s"] * 2
    for record in told:
        assert record.exc_info is not None
        assert record.exc_info[0] is ValueError
        assert record.exc_info[2] is not None
        assert 'error="ValueError: no\\nluck"' in record.getMessage()
        assert "\n" not in record.getMessage()
