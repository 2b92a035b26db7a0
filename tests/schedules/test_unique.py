"""Schedules of unique jobs: a tick whose job is there already is that job's."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from proletarian import Job, Tasks, Unique, enqueue, find_jobs, run_schedule
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers

FIFTH = timedelta(seconds=0.2)


def test_a_tick_is_left_out_while_the_job_of_the_one_before_is_there(
    database: PrivateDatabase, workers: Workers
) -> None:
    finish = threading.Event()
    tasks = Tasks()
    running: list[int] = []
    most: list[int] = []

    @tasks.task(unique=Unique())
    def sync(job: Job) -> None:
        running.append(1)
        most.append(len(running))
        finish.wait(20)
        running.pop()

    tasks.schedule(FIFTH, sync.job())
    with workers.running(tasks):
        workers.recorder.wait_for("schedule.fired", count=6)
        assert most == [1]
        assert (database.count("job"), database.count("running_job")) == (0, 1)
        finish.set()
        wait_until(lambda: len(most) >= 4, what="the ticks after it")

    told = [data["enqueued"] for data in workers.recorder.of("schedule.fired")]
    assert set(told) == {0, 1}


def test_one_that_waits_is_replaced_if_its_task_says_so(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    tasks = Tasks()

    @tasks.task(queue="nobody serves it", unique=Unique(on_conflict="replace"))
    def index() -> None: ...

    tasks.schedule(FIFTH, index.job())
    with Workers(sqlite, recorder).running(tasks, queues={"default": 1}):
        recorder.wait_for("schedule.fired", count=3)

    latest = recorder.of("schedule.fired")[-1]["tick"]
    with sqlite.connection() as connection:
        [job] = find_jobs(connection)
        assert job.headers["schedule_tick"] == latest
        assert job.process_at is not None
        assert job.process_at.isoformat() == latest
        assert run_schedule(connection, "index") == job.job_id
        connection.rollback()


def test_a_key_that_an_application_holds_open_holds_up_its_own_schedule_only(
    database: PrivateDatabase, recorder: Recorder
) -> None:
    if database.kind == "sqlite":
        pytest.skip("SQLite has one writer: an application that holds its transaction open holds up everybody")
    tasks = Tasks()

    @tasks.task(queue="nobody serves it", unique=Unique())
    def unique() -> None: ...

    @tasks.task(queue="nobody serves it")
    def plain() -> None: ...

    tasks.schedule(FIFTH, unique.job(), missed="once")
    tasks.schedule(FIFTH, plain.job(), missed="all")
    with database.connection() as connection:
        enqueue(connection, "unique", unique=Unique())  # not committed: nobody knows yet whether it will be there
        with Workers(database, recorder).running(tasks, queues={"default": 1}):
            failed = recorder.wait_for("schedule.failed")
            assert failed["schedule"] == "unique"
            before = len(recorder.of("schedule.fired"))
            recorder.wait_for("schedule.fired", count=before + 5)
            assert {data["schedule"] for data in recorder.of("schedule.fired")} == {"plain"}
            connection.rollback()
    with Workers(database, recorder).running(tasks, queues={"default": 1}):
        wait_until(lambda: any(data["schedule"] == "unique" for data in recorder.of("schedule.fired")))

    ticks = [at for (at,) in database.rows(f"SELECT process_at FROM {database.table('job')} WHERE job_type = 'plain'")]
    assert len(set(ticks)) == len(ticks)
    found = database.rows(f"SELECT count(*) FROM {database.table('job')} WHERE job_type = 'unique'")
    assert found[0][0] == 1
