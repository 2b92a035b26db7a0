"""A stop, seen from within the process."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, StopTimeout, Tasks
from proletarian.worker import engine, pump
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers

MANY, SOME = 10_000, 30


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
    assert began.wait(60)
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
    assert began.wait(60)
    try:
        with pytest.raises(
            StopTimeout, match=r"1 job was still running after 0.1 s and went back to the queue: stubborn"
        ):
            worker.stop(timeout=0.1)
        assert database.rows(f"SELECT attempts, lost FROM {database.table('job')}") == [(0, 0)]
    finally:
        finish.set()


@pytest.fixture
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    """An event loop in a thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.mark.parametrize("kind", ["all listen", "one blocks the loop"])
def test_a_stop_gives_back_thousands_of_coroutines(
    database: PrivateDatabase,
    workers: Workers,
    tasks: Tasks,
    loop: asyncio.AbstractEventLoop,
    kind: str,
) -> None:
    running, ended, let_go = set(), set(), threading.Event()

    @tasks.task
    async def waits(n: int) -> None:
        running.add(n)
        try:
            await asyncio.sleep(3600)
        finally:
            ended.add(n)

    database.put(*[waits.job(n=n) for n in range(MANY)])
    worker = workers.new(tasks, queues={"default": MANY}, stop_timeout=0.1)
    worker.start(loop=loop)
    try:
        wait_until(lambda: len(running) == MANY, 60)
        if kind == "one blocks the loop":
            loop.call_soon_threadsafe(let_go.wait, 60)
            with pytest.raises(
                StopTimeout, match=f"{MANY} jobs were still running after 0.1 s and went back to the queue: waits"
            ):
                worker.stop()
        else:
            with contextlib.suppress(StopTimeout):  # on a busy machine some had no time to hear that they are cancelled
                worker.stop()
    finally:
        let_go.set()
        wait_until(lambda: len(ended) == MANY)

    waiting = f"SELECT attempts, lost, suspect, count(*) FROM {database.table('job')} GROUP BY attempts, lost, suspect"
    assert database.rows(waiting) == [(0, 0, 0, MANY)]
    assert database.count("running_job") == database.count("worker") == 0
    assert [told for told in workers.recorder.events if told[0].startswith(("job.lease_lost", "database."))] == []


def test_a_stop_gives_back_for_as_long_as_that_gets_on(
    database: PrivateDatabase,
    workers: Workers,
    tasks: Tasks,
    loop: asyncio.AbstractEventLoop,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It gives back one job at a time, to a slow log, and all of it takes longer than a stop waits in vain."""
    monkeypatch.setattr(engine, "LAST_WORDS", 2.0)
    monkeypatch.setattr(pump, "BATCH", 1)
    let_go, began = threading.Event(), threading.Event()

    def log(event: str, data: dict[str, Any]) -> None:
        if event == "job.released":
            time.sleep(0.1)
        workers.recorder(event, data)

    @tasks.task
    async def waits() -> None:
        began.set()
        let_go.wait(60)

    database.put(*[waits.job() for _ in range(SOME)])
    worker = workers.new(tasks, queues={"default": SOME}, stop_timeout=0.1, log=log)
    worker.start(loop=loop)
    try:
        assert began.wait(60)
        wait_until(lambda: database.count("running_job") == SOME)
        started = time.monotonic()
        with pytest.raises(StopTimeout, match=f"{SOME} jobs were still running"):
            worker.stop()
        assert time.monotonic() - started > SOME * 0.1
    finally:
        let_go.set()

    assert database.count("job") == SOME
    assert database.count("running_job") == database.count("worker") == 0
    assert [told for told in workers.recorder.events if told[0].startswith(("job.lease_lost", "database."))] == []


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
