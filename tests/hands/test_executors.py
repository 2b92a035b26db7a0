"""Handlers on executors: those of the standard library here, a cluster in `test_dask.py`."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Iterator
from concurrent import futures
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proletarian import ConfigurationError, Executor, NewJob, StopTimeout, Tasks, Worker, cancel
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.hands.test_processes import errors_of, results_of
from tests.ledger import Ledger
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


@pytest.fixture(scope="module")
def pool() -> Iterator[ProcessPoolExecutor]:
    """A pool of two processes, which the tests share."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("spawn")) as pool:
        yield pool


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """A pool of one thread: what is submitted besides waits."""
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_jobs_run_where_the_executor_runs_them(
    database: PrivateDatabase, recorder: Recorder, pool: ProcessPoolExecutor
) -> None:
    database.put(*(shop.where.job(n=n) for n in range(20)), shop.awaited.job(), NewJob("shop", {}, queue="other"))
    worker = Worker(database.url, shop.tasks, queues={"default": Executor(pool, slots=4), "other": 1}, log=recorder)
    assert worker.drain() >= 21

    *plain, (pid, entered_by) = results_of(database)
    assert [found["n"] for found in plain] == list(range(20))
    assert os.getpid() not in {found["pid"] for found in plain}
    assert pid == entered_by != os.getpid(), "the lifespan is entered over there"
    assert len(recorder.of("job.succeeded")) == 21


def test_what_a_handler_raises_is_decided_upon_here(workers: Workers, pool: ProcessPoolExecutor) -> None:
    workers.database.put(*(shop.fail.job(how=how) for how in ("odd", "known", "exit", "snooze")))
    workers.database.put(shop.overdue.job())
    workers.drain(shop.tasks, queues={"default": Executor(pool)})

    assert errors_of(workers.database) == [
        [("Odd", "this and that")] * 2,
        [("Known", "for good")],
        [("SystemExit", "3")] * 2,
        [("TimeoutError", "the job is over its time limit")],
    ]
    assert workers.recorder.of("job.snoozed")[0]["retry_in"] == 3600.0
    assert [known["job_type"] for known in workers.recorder.of("job.overdue")] == ["overdue"]


def test_a_job_that_nobody_knows_waits_as_elsewhere(workers: Workers, threads: ThreadPoolExecutor) -> None:
    workers.database.put(NewJob("unheard_of"))
    workers.drain(shop.tasks, queues={"default": Executor(threads)})

    assert workers.recorder.names("job.") == ["job.started", "job.snoozed"]


def test_a_job_that_is_cancelled_before_the_executor_has_begun_it_never_begins(
    workers: Workers, threads: ThreadPoolExecutor
) -> None:
    gate = threading.Event()
    threads.submit(gate.wait)
    [job_id] = workers.database.put(shop.where.job())
    with workers.running(shop.tasks, queues={"default": Executor(threads)}):
        workers.recorder.wait_for("job.started")  # handed over
        with workers.database.connection() as connection:
            cancel(connection, job_id, reason="not wanted")
            connection.commit()
        workers.archived()
        gate.set()

    assert workers.database.archive("status", "result") == [("cancelled", None)]


def test_a_stop_gives_back_what_has_not_ended(workers: Workers, threads: ThreadPoolExecutor, ledger: Ledger) -> None:
    workers.database.put(shop.deaf.job(ledger=str(ledger.path), seconds=2.0), shop.where.job())
    worker = workers.new(shop.tasks, queues={"default": Executor(threads)})
    worker.start()
    ledger.wait_for("began")
    with pytest.raises(StopTimeout, match=r"1 job was still running .* went back to the queue: deaf"):
        worker.stop(0.2)

    assert workers.database.rows(f"SELECT attempts, lost FROM {workers.database.table('job')}") == [(0, 0)] * 2
    ledger.wait_for("ended")  # it was not ended, and its word does not count
    assert workers.database.count("archived_job") == 0


class Lossy(futures.Executor):
    """An executor that loses what it is given, in one way or another."""

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.lost = 0

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        """Lose the first one, run the others."""
        future: Future[Any] = Future()
        if self.lost:
            future.set_result(function(*arguments))
        else:
            self.lost += 1
            future.set_exception(self.error)
        return future


def test_what_the_executor_says_of_one_job_is_that_job_s_failure(workers: Workers) -> None:
    workers.database.put(shop.where.job())
    workers.drain(shop.tasks, queues={"default": Executor(Lossy(RuntimeError("it has killed four of mine")))})

    assert errors_of(workers.database) == [
        [("ProcessDied", "the executor has lost it: RuntimeError: it has killed four of mine")]
    ]


def test_an_executor_that_is_broken_costs_no_job_a_run(workers: Workers) -> None:
    workers.database.put(shop.where.job())
    with workers.running(shop.tasks, queues={"default": Executor(Lossy(BrokenExecutor("a process is gone")))}):
        workers.recorder.wait_for("process.failed")
        workers.archived(seconds=30)

    assert workers.database.archive("status", "attempts", "errors") == [("success", 1, None)]


def test_an_executor_that_was_shut_down_is_said_so(workers: Workers) -> None:
    threads = ThreadPoolExecutor(1)
    threads.shutdown()
    workers.database.put(shop.where.job())
    with workers.running(shop.tasks, queues={"default": Executor(threads)}):
        known = workers.recorder.wait_for("process.failed")
        workers.recorder.wait_for("job.released")

    assert str(known["error"]) == "cannot schedule new futures after shutdown"
    assert workers.database.rows(f"SELECT attempts, lost FROM {workers.database.table('job')}") == [(0, 0)]


class Sender(futures.Executor):
    """Keeps what goes to the cluster."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def submit(self, function: Any, /, *arguments: Any, **_: Any) -> Future[Any]:
        """Note it, and cancel it."""
        self.sent += arguments
        future: Future[Any] = Future()
        future.cancel()
        return future


def test_no_password_goes_to_a_cluster(postgresql: PrivateDatabase, recorder: Recorder) -> None:
    password = urlsplit(postgresql.url).password
    assert password
    sender = Sender()
    postgresql.put(shop.where.job())
    with Worker(postgresql.url, shop.tasks, queues={"default": Executor(sender)}, log=recorder):
        wait_until(lambda: sender.sent)

    assert b"where" in b"".join(sender.sent)
    assert f":{password}@".encode() not in b"".join(sender.sent)


@pytest.mark.parametrize(
    ("wrong", "said"), [((5,), "an executor has submit"), ((ThreadPoolExecutor(1), 0), "slots is")]
)
def test_objects_that_are_not_executors_are_refused(wrong: tuple[Any, ...], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Executor(*wrong)


def test_the_tasks_need_a_name(sqlite: PrivateDatabase, tasks: Tasks, threads: ThreadPoolExecutor) -> None:
    @tasks.task
    def inside(path: Path) -> None: ...

    with pytest.raises(ConfigurationError, match="'inside' is to run in another process"):
        Worker(sqlite.url, tasks, queues={"default": Executor(threads)}).start()


def test_errors_are_kept_with_the_traceback_of_over_there(workers: Workers, pool: ProcessPoolExecutor) -> None:
    workers.database.put(shop.fail.job(how="known"))
    workers.drain(shop.tasks, queues={"default": Executor(pool)})

    [(errors,)] = workers.database.archive("errors")
    assert 'raise Known("for good")' in json.loads(errors)[0]["traceback"]
