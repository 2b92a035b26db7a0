"""A stop, seen from within the process."""

from __future__ import annotations

import threading
import time

import pytest

from proletarian import ConfigurationError, Job, NewJob, StopTimeout
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


def test_what_was_not_started_is_given_back_at_once(database: PrivateDatabase, workers: Workers) -> None:
    """Jobs that are held for a slot do not wait for the running one to end."""
    began, finish = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        if job.job_type == "long":
            began.set()
            finish.wait(20)

    worker = workers.new(handle, queues={"default": 1}, stop_timeout=20)
    database.put(*[NewJob("quick")] * 500)
    worker.start()
    database.put(NewJob("long", priority=1), *[NewJob("quick")] * 500)
    assert began.wait(20)
    stop = threading.Thread(target=worker.stop)
    stop.start()
    try:
        wait_until(lambda: database.count("running_job") == 1, seconds=5)
        assert stop.is_alive()
    finally:
        finish.set()
        stop.join()

    assert database.count("running_job") == 0
    assert database.count("job") + database.count("archived_job") == 1001


def test_stop_raises_when_jobs_had_to_be_given_back(database: PrivateDatabase, workers: Workers) -> None:
    began, finish = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        began.set()
        finish.wait(20)

    database.put(NewJob("stubborn"))
    worker = workers.new(handle)
    worker.start()
    assert began.wait(20)
    try:
        with pytest.raises(StopTimeout, match=r"1 job was still running after 0.1 s and given back: stubborn"):
            worker.stop(timeout=0.1)
        assert database.rows(f"SELECT attempts, lost FROM {database.table('job')}") == [(0, 0)]
    finally:
        finish.set()


def test_an_error_in_the_block_is_not_hidden_by_the_stop(database: PrivateDatabase, workers: Workers) -> None:
    began, finish = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        began.set()
        finish.wait(20)

    def work_and_fail() -> None:
        with workers.running(handle, stop_timeout=0.1):
            began.wait(20)
            raise KeyError("the reason")

    database.put(NewJob("stubborn"))
    try:
        with pytest.raises(KeyError, match="the reason"):
            work_and_fail()
    finally:
        finish.set()


def test_a_handler_that_finishes_in_time_counts(database: PrivateDatabase, workers: Workers) -> None:
    began = threading.Event()

    def handle(job: Job) -> None:
        began.set()
        job.stopping.wait(20)

    database.put(NewJob("greet"))
    with workers.running(handle):
        began.wait(20)

    assert database.archive() == [("greet", "success")]


def test_no_more_is_claimed_once_it_stops(database: PrivateDatabase, workers: Workers) -> None:
    def handle(job: Job) -> None:
        time.sleep(0.01)  # the work

    with workers.running(handle, queues={"default": 2}):
        database.put(*[NewJob("greet")] * 300)
        workers.archived(10)
    left = database.count("job")

    assert left > 0
    assert left + database.count("archived_job") == 300
    assert database.count("running_job") == 0


def test_run_belongs_in_the_main_thread(workers: Workers) -> None:
    seen: list[BaseException] = []

    def run() -> None:
        try:
            workers.new(print).run()
        except ConfigurationError as error:
            seen.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert "main thread" in str(seen)
