"""Jobs are run: plain and async handlers, several queues, what a handler gets to see."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proletarian import Job, NewJob, Queue, Tables, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def test_a_plain_function_runs_with_its_arguments(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen = []

    @tasks.task
    def greet(name: str, times: int = 1) -> None:
        seen.append((name, times))

    database.put(greet.job(name="Ada"), greet.job("Grace", times=2))

    assert workers.drain(tasks) == 2
    assert sorted(seen) == [("Ada", 1), ("Grace", 2)]
    assert database.archive() == [("greet", "success")] * 2


def test_a_coroutine_runs_beside_plain_functions(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen = []

    @tasks.task
    async def far(n: int) -> None:
        await asyncio.sleep(0.01)
        seen.append(("far", n))

    @tasks.task
    def near(n: int) -> None:
        seen.append(("near", n))

    database.put(*[task.job(n=n) for n in range(20) for task in (far, near)])

    assert workers.drain(tasks) == 40
    assert sorted(seen) == [("far", n) for n in range(20)] + [("near", n) for n in range(20)]


def test_any_callable_of_a_job_is_a_handler(database: PrivateDatabase, workers: Workers) -> None:
    class Handler:
        def __init__(self) -> None:
            self.seen: list[tuple[str, Any]] = []

        def __call__(self, job: Job) -> None:
            self.seen.append((job.job_type, job.payload))

    handler = Handler()
    database.put(NewJob("greet", {"name": "Ada"}), NewJob("other", [1, None, "x"]), NewJob("nothing"))

    assert workers.drain(handler) == 3
    assert sorted(handler.seen, key=str) == [("greet", {"name": "Ada"}), ("nothing", None), ("other", [1, None, "x"])]


def test_a_coroutine_function_is_a_handler_too(database: PrivateDatabase, workers: Workers) -> None:
    seen = []

    async def handle(job: Job) -> None:
        await asyncio.sleep(0)
        seen.append(job.payload)

    database.put(NewJob("greet", 1), NewJob("greet", 2))

    assert workers.drain(handle) == 2
    assert sorted(seen) == [1, 2]


def test_the_handler_sees_its_job(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen: list[Job] = []

    @tasks.task(queue="mail", priority=3)
    def greet(job: Job, name: str) -> None:
        seen.append(job)

    moment = datetime.now(UTC) - timedelta(days=1)
    [job_id] = database.put(greet.using(process_at=moment, headers={"trace": "a1"}).job(name="Ada"))
    workers.drain(tasks, queues={"mail": 1})

    [job] = seen
    assert (job.job_id, job.queue, job.job_type, job.payload) == (job_id, "mail", "greet", {"name": "Ada"})
    assert (job.attempts, job.lost, job.priority, job.headers) == (1, 0, 3, {"trace": "a1"})
    assert job.enqueued_at is not None
    assert job.process_at is not None
    assert job.enqueued_at.utcoffset() == job.process_at.utcoffset() == timedelta(0)
    assert abs(job.enqueued_at - datetime.now(UTC)) < timedelta(minutes=1)
    assert job.process_at == job.enqueued_at, "the past means now"


def test_each_queue_has_its_slots(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    lock, running = threading.Lock(), {"wide": 0, "narrow": 0}
    most = dict(running)

    def work(queue: str) -> None:
        with lock:
            running[queue] += 1
            most[queue] = max(most[queue], running[queue])
        time.sleep(0.03)  # the work
        with lock:
            running[queue] -= 1

    @tasks.task(queue="wide")
    def wide() -> None:
        work("wide")

    @tasks.task(queue="narrow")
    async def narrow() -> None:
        await asyncio.to_thread(work, "narrow")

    database.put(*[wide.job()] * 12, *[narrow.job()] * 6)
    workers.drain(tasks, queues={"wide": 4, "narrow": 2})

    assert most == {"wide": 4, "narrow": 2}


def test_a_queue_that_is_not_served_is_left_alone(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None: ...

    database.put(greet.job(), greet.using(queue="other").job())

    assert workers.drain(tasks) == 1
    assert database.rows(f"SELECT queue FROM {database.table('job')}") == [("other",)]


def test_higher_priorities_run_first(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    seen = []

    @tasks.task
    def greet(n: int) -> None:
        seen.append(n)

    database.put(*[greet.using(priority=n).job(n=n) for n in (0, 5, -3, 9, 1)])
    workers.drain(tasks, queues={"default": 1})

    assert seen == [9, 5, 1, 0, -3]


def test_drain_leaves_what_is_due_later(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None: ...

    database.put(greet.job(), greet.using(process_in=3600).job())

    assert workers.drain(tasks) == 1
    assert workers.drain(tasks) == 0
    assert database.count("job") == 1


def test_drain_runs_what_jobs_enqueue(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def count_down(n: int) -> None:
        if n:
            database.put(count_down.job(n=n - 1))

    database.put(count_down.job(n=5))

    assert workers.drain(tasks) == 6


def test_a_running_worker_takes_up_new_jobs(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None: ...

    with workers.running(tasks) as worker:
        assert worker.is_running
        for n in range(1, 4):
            database.put(greet.job())
            workers.archived(n)
    assert not worker.is_running


def test_a_second_start_and_a_second_stop_do_nothing(database: PrivateDatabase, workers: Workers) -> None:
    worker = workers.new(lambda job: None)
    worker.stop()
    worker.start()
    worker.start()
    assert database.count("worker") == 1
    worker.stop()
    worker.stop()

    assert workers.recorder.names("worker.started", "worker.stopp") == [
        "worker.started",
        "worker.stopping",
        "worker.stopped",
    ]
    assert database.count("worker") == 0


def test_a_worker_can_be_started_again(database: PrivateDatabase, workers: Workers) -> None:
    worker = workers.new(lambda job: None)
    for n in (1, 2):
        database.put(NewJob("greet"))
        with worker:
            workers.archived(n)


def test_two_workers_share_the_jobs(database: PrivateDatabase, workers: Workers) -> None:
    lock, seen = threading.Lock(), []

    def handle(job: Job) -> None:
        time.sleep(0.005)  # the work
        with lock:
            seen.append(job.payload)

    database.put(*[NewJob("greet", n) for n in range(200)])
    with workers.running(handle), workers.running(handle):
        workers.archived(200)

    assert sorted(seen) == list(range(200))


def test_many_jobs_run_exactly_once(database: PrivateDatabase, workers: Workers) -> None:
    seen = []
    database.put(*[NewJob("greet", n, priority=n % 3) for n in range(3000)])

    assert workers.drain(lambda job: seen.append(job.payload)) == 3000
    assert sorted(seen) == list(range(3000))
    assert database.rows(f"SELECT count(*) FROM {database.table('archived_job')} WHERE attempts = 1") == [(3000,)]
    assert database.count("running_job") == database.count("job") == 0


def test_what_a_handler_returns_is_kept_where_its_task_asks_for_it(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task(keep_result=True)
    def kept() -> dict[str, Any]:
        return {"sum": 3, "at": datetime(2026, 1, 1, tzinfo=UTC)}

    @tasks.task
    def dropped() -> int:
        return 3

    @tasks.task(keep_result=True)
    async def later() -> int:
        return 4

    database.put(kept.job(), dropped.job(), later.job())
    workers.drain(tasks)

    assert dict(database.archive("job_type", "result")) == {
        "kept": '{"sum":3,"at":"2026-01-01T00:00:00Z"}',
        "dropped": None,
        "later": "4",
    }


def test_progress_can_be_seen_while_the_job_runs(database: PrivateDatabase, workers: Workers) -> None:
    finish = threading.Event()

    def handle(job: Job) -> None:
        for done in range(100):
            job.progress(done, 100)
        finish.wait(20)

    database.put(NewJob("greet"))
    with workers.running(handle):
        try:
            wait_until(
                lambda: (
                    database.rows(f"SELECT progress FROM {database.table('running_job')}")
                    == [('{"done": 99, "total": 100}',)]
                )
            )
        finally:
            finish.set()


def test_tables_of_another_name(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    queue = Queue(tables=Tables(prefix="app_", archived_job="done"))
    sqlite.migrate(queue)
    tasks = Tasks(queue=queue)

    @tasks.task
    def greet() -> None: ...

    with sqlite.connection() as connection:
        greet.enqueue(connection)
        connection.commit()

    assert Worker(sqlite.url, tasks, log=recorder).drain() == 1
    assert sqlite.rows("SELECT status FROM done") == [("success",)]


def test_a_handler_that_works_for_long_is_never_run_again(database: PrivateDatabase, workers: Workers) -> None:
    runs = []

    def handle(job: Job) -> None:
        runs.append(job.attempts)
        time.sleep(3)  # much longer than it takes to notice a death

    database.put(NewJob("greet"))
    care = {"heartbeat": 0.5, "lost_after": 2.0}
    with workers.running(handle, **care), workers.running(handle, **care):
        workers.archived()

    assert runs == [1]
    assert "jobs.recovered" not in workers.recorder.names()


def test_a_worker_says_goodbye_though_somebody_writes_for_a_second(sqlite: PrivateDatabase, workers: Workers) -> None:
    writer = sqlite3.connect(sqlite.url.removeprefix("sqlite:///"), check_same_thread=False)
    with workers.running(print, heartbeat=0.5, lost_after=2.0):
        writer.execute("BEGIN IMMEDIATE")
        enough = threading.Timer(1.0, writer.close)  # longer than its statements wait at other times
        enough.start()
    enough.join()

    assert sqlite.count("worker") == 0


@pytest.mark.parametrize("slots", [1, 5])
def test_more_jobs_than_slots_wait_their_turn(database: PrivateDatabase, workers: Workers, slots: int) -> None:
    held = []
    ended: list[object] = []

    def handle(job: Job) -> None:
        # A job that has ended stays in running_job until its outcome is written: that is not hoarding.
        # Counted in this order, what happens meanwhile makes the figure smaller, never larger.
        archived, running = database.count("archived_job"), database.count("running_job")
        held.append(running - max(0, len(ended) - archived))
        time.sleep(0.3)  # the work: much longer than the 50 ms for which jobs are fetched ahead
        ended.append(job.job_id)

    database.put(*[NewJob("greet")] * (slots * 3))
    workers.drain(handle, queues={"default": slots})

    assert max(held) <= slots + 2, "slow jobs are not hoarded"
