"""Jobs that people cancel while they run: what their handlers see, and what becomes of them."""

from __future__ import annotations

import asyncio
import threading
import time
from typing import Any
from uuid import UUID

from proletarian import Cancelled, Job, NewJob, Retry, cancel, retry
from proletarian.connections.database import Database
from proletarian.connections.session import Session
from proletarian.kept_errors import errors_in
from proletarian.sql.orders import Orders
from proletarian.worker.claiming.standing import Standing
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def cancelled(database: PrivateDatabase, which: Any) -> Cancelled:
    """Cancel jobs, in a transaction of its own."""
    with database.connection() as connection:
        done = cancel(connection, which, reason="not wanted", by="ann")
        connection.commit()
        return done


def left_behind(database: PrivateDatabase) -> None:
    """A request for each archived job that no keeper has cleared away yet."""
    with database.connection() as connection:
        sql = f"INSERT INTO {database.table('cancel_request')} SELECT job_id, '', '', finished_at FROM {{}}"
        connection.cursor().execute(sql.format(database.table("archived_job")))
        connection.commit()


def test_a_coroutine_is_cancelled(database: PrivateDatabase, workers: Workers, recorder: Recorder) -> None:
    started, seen = threading.Event(), []

    async def handle(job: Job) -> None:
        started.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append(job.stopping.why)
            raise

    with workers.running(handle, retry=Retry(3, delays=[0])):
        [job_id] = database.put(NewJob("sleep"))
        assert started.wait(60)
        asked_at = time.monotonic()
        assert cancelled(database, job_id) == Cancelled(asked=1)
        event = recorder.wait_for("job.cancelled")
        assert time.monotonic() - asked_at < 5  # a second, and a busy machine
    assert seen == ["cancelled"]
    assert (event["job_id"], event["by"], event["reason"]) == (job_id, "ann", "not wanted")
    [(status, errors)] = database.archive("status", "errors")
    assert status == "cancelled"
    assert [(error["type"], error["message"]) for error in errors_in(errors)] == [("Cancel", "not wanted (by ann)")]
    wait_until(lambda: workers.drain(print) == 0 and not database.count("cancel_request"), what="the request to go")


def test_a_plain_function_is_told_and_stops(database: PrivateDatabase, workers: Workers) -> None:
    started, seen = threading.Event(), []

    def handle(job: Job) -> None:
        started.set()
        if job.stopping.wait(30):
            seen.append(job.stopping.why)

    with workers.running(handle):
        database.put(NewJob("wait"))
        assert started.wait(60)
        cancelled(database, "type:wait")
        assert workers.archived() == [("wait", "cancelled")]
    assert seen == ["cancelled"]


def test_a_function_that_does_not_listen_is_what_it_became(database: PrivateDatabase, workers: Workers) -> None:
    started, go = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        started.set()
        go.wait(30)
        if job.job_type == "fail":
            raise ValueError(job.job_type)

    with workers.running(handle, queues={"default": 2}, retry=Retry(3, delays=[0])):
        database.put(NewJob("succeed"), NewJob("fail"))
        assert started.wait(60)
        wait_until(lambda: database.count("running_job") == 2, what="both")
        assert cancelled(database, "state:running").asked == 2
        time.sleep(1.5)
        go.set()
        found = workers.archived(2)
    assert sorted(found) == [("fail", "cancelled"), ("succeed", "success")], "and it is not tried again"


def test_jobs_that_were_claimed_and_have_not_begun_do_not_begin(database: PrivateDatabase, workers: Workers) -> None:
    begun: list[Any] = []
    go = threading.Event()

    def handle(job: Job) -> None:
        begun.append(job.job_id)
        if len(begun) > 50:
            go.wait(30)

    job_ids = database.put(*[NewJob("quick")] * 300)
    with workers.running(handle, queues={"default": 1}):
        wait_until(lambda: len(begun) > 50, what="some runs")
        cancelled(database, "type:quick")
        wait_until(lambda: database.count("running_job") == 1, what="all but the one that runs to be withdrawn")
        go.set()
        archived = workers.archived(300)
    assert len(begun) < 60
    assert len(archived) == len(job_ids)
    assert [status for _, status in archived].count("cancelled") == 300 - len(begun)


def test_a_cancelled_job_can_be_run_again(database: PrivateDatabase, workers: Workers) -> None:
    started = threading.Event()

    def handle(job: Job) -> None:
        if job.attempts > 1:
            return
        started.set()
        job.stopping.wait(30)

    with workers.running(handle):
        [job_id] = database.put(NewJob("wait"))
        assert started.wait(60)
        cancelled(database, job_id)
        workers.archived()
        with database.connection() as connection:
            assert retry(connection, job_id) == 1
            connection.commit()
        wait_until(lambda: database.archive("status") == [("success",)], what="the second run")


def test_a_retry_is_not_undone_by_the_request_that_cancelled_the_last_run(
    database: PrivateDatabase, workers: Workers
) -> None:
    """The worker has ended, and so nobody has cleared the request away yet."""
    started = threading.Event()

    def handle(job: Job) -> None:
        if job.attempts == 1:
            started.set()
            job.stopping.wait(30)

    [job_id] = database.put(NewJob("wait"))
    with workers.running(handle):
        assert started.wait(60)
        cancelled(database, job_id)
        workers.archived()
    if not database.count("cancel_request"):  # its keeper was quicker: as if it had not been
        left_behind(database)
    with database.connection() as connection:
        assert retry(connection, job_id) == 1
        connection.commit()
    assert database.count("cancel_request") == 0
    with workers.running(handle):
        wait_until(lambda: database.count("job") == 0 == database.count("running_job"), what="the second run")

    assert database.archive("status") == [("success",)]


def test_a_request_read_just_before_a_retry_does_not_cancel_the_next_run(
    database: PrivateDatabase, workers: Workers
) -> None:
    """A claim that is late reads the orders itself; then the job is retried, and this claim takes it."""
    [job_id] = database.put(NewJob("quick"))
    workers.drain(lambda job: None)
    left_behind(database)
    obeyed: list[Orders] = []
    own = Database(database.url)
    with Session(own, lambda event, data: None) as session:
        standing = Standing(session, own.dialect, ["default"], obeyed.append)
        standing.connected(notifies=False)
        session.insist(standing.in_passing)
        assert len(standing.orders.cancelled) == 1
        with database.connection() as connection:
            assert retry(connection, job_id) == 1
            connection.commit()
        standing.follow(time.monotonic(), fleet=1)
    assert [orders.cancelled for orders in obeyed] == [{}]


def test_a_cancel_outlives_the_worker(database: PrivateDatabase, fleet: Fleet) -> None:
    """It is killed between the request and the stop: the job does not run again."""
    dying = fleet.start(database, queues={"default": 1})
    fleet.start(database, queues={"other": 1, "default": 1})
    database.put(NewJob("sleep", {"seconds": 60}), NewJob("sleep", {"seconds": 60}))
    wait_until(lambda: len(fleet.ledger.entries("began")) == 2, what="both runs")
    assert cancelled(database, "type:sleep").asked == 2
    time.sleep(1.0)
    dying.kill()
    wait_until(lambda: database.archive("status") == [("cancelled",)], what="the end of the one that was lost")
    time.sleep(1.0)
    assert len(fleet.ledger.entries("began")) == 2, "it did not run again"


def test_of_cancels_and_claims_that_meet_one_wins(database: PrivateDatabase, workers: Workers) -> None:
    ran: list[Any] = []
    done: dict[Any, Cancelled] = {}
    job_ids = database.put(*[NewJob("race")] * 400)

    def handle(job: Job) -> None:
        ran.append(job.job_id)
        if job.attempts == 1:
            raise ValueError("once more")

    def cancel_some(mine: list[Any]) -> None:
        for number, job_id in enumerate(mine):
            if number % 5:
                done[job_id] = cancelled(database, job_id)
            else:
                with database.connection() as connection:
                    cancel(connection, job_id)
                    connection.rollback()

    with workers.running(handle, queues={"default": 3}, retry=Retry(1, delays=[0])):
        threads = [threading.Thread(target=cancel_some, args=[job_ids[n::2]]) for n in (0, 1)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        wait_until(lambda: database.count("archived_job") == 400, 60, what="all ends")
        wait_until(lambda: database.count("cancel_request") == 0, 60, what="the requests to go")
    assert database.count("job") == database.count("running_job") == 0
    status = {UUID(str(found)) if not isinstance(found, bytes) else UUID(bytes=found): said
              for found, said in database.archive("job_id", "status")}  # fmt: skip
    assert len(status) == 400
    for job_id in job_ids:
        told = done.get(job_id)
        if told is None:
            assert status[job_id] == "success", "a cancel that was rolled back"
            assert ran.count(job_id) == 2
        else:
            assert sum(told) == 1
            assert status[job_id] == ("success" if told.ended else "cancelled") or told.asked
            assert ran.count(job_id) < 2 or not told.waiting or status[job_id] == "cancelled"
    never = {job_id for job_id, told in done.items() if told.waiting} - set(ran)
    assert all(status[job_id] == "cancelled" for job_id in never)
