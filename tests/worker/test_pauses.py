"""Queues that people pause: no job of theirs starts, on any worker, until they are resumed."""

from __future__ import annotations

import time
from uuid import uuid4

from proletarian import Job, NewJob, Tasks, enqueue, pause, pauses, process_next_job, resume
from proletarian.testing import drain, inline
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def test_nothing_of_a_paused_queue_starts_and_all_of_it_after_a_resume(
    database: PrivateDatabase, workers: Workers
) -> None:
    ran: list[str] = []
    with workers.running(lambda job: ran.append(job.queue), queues={"mail": 2, "other": 2}):
        with database.connection() as connection:
            pause(connection, "mail", reason="smtp is down", by="ann")
            connection.commit()
        time.sleep(1.0)
        database.put(*[NewJob("send", queue="mail")] * 3, NewJob("send", queue="other"))
        wait_until(lambda: ran == ["other"], what="the other queue's job")
        time.sleep(1.5)
        assert ran == ["other"]
        with database.connection() as connection:
            assert [(paused.queue, paused.reason, paused.by) for paused in pauses(connection)] == [
                ("mail", "smtp is down", "ann")
            ]
            assert resume(connection, "mail")
            connection.commit()
        wait_until(lambda: len(ran) == 4, what="the jobs of the resumed queue")


def test_a_worker_that_starts_in_a_pause_keeps_to_it_and_a_drain_ends(
    database: PrivateDatabase, workers: Workers
) -> None:
    with database.connection() as connection:
        pause(connection, "mail")
        connection.commit()
    database.put(NewJob("send", queue="mail"))

    assert workers.drain(print, queues={"mail": 2}) == 0
    assert database.count("job") == 1
    database.put(NewJob("send", queue="other"))
    assert workers.drain(print, queues={"mail": 2, "other": 2}) == 1


def test_jobs_that_were_claimed_ahead_go_back_and_those_that_run_end(
    database: PrivateDatabase, workers: Workers
) -> None:
    started: list[float] = []

    def handle(job: Job) -> None:
        started.append(time.monotonic())
        time.sleep(0.05)

    database.put(*[NewJob("send", queue="mail")] * 200)
    with workers.running(handle, queues={"mail": 1}):
        wait_until(lambda: len(started) > 5, what="some runs")
        with database.connection() as connection:
            pause(connection, "mail")
            connection.commit()
        paused_at = time.monotonic()
        time.sleep(2.5)
        assert max(started) < paused_at + 1.3  # a second, and a busy machine
        assert database.count("running_job") == 0
        assert database.count("job") + database.count("archived_job") == 200


def test_what_was_rolled_back_pauses_nothing(database: PrivateDatabase, workers: Workers) -> None:
    ran: list[str] = []
    with workers.running(lambda job: ran.append(job.queue)), database.connection() as connection:
        pause(connection, "default")
        connection.rollback()
        time.sleep(1.0)
        enqueue(connection, "greet")
        connection.commit()
        wait_until(lambda: len(ran) == 1, what="the job")
        assert pauses(connection) == []


def test_an_application_that_leaves_a_pause_open_holds_up_no_worker(
    database: PrivateDatabase, workers: Workers
) -> None:
    if database.kind == "sqlite":
        return  # one writer at a time: an open transaction holds up everybody, whatever it has written
    ran: list[str] = []
    with workers.running(lambda job: ran.append(job.queue)), database.connection() as connection:
        pause(connection, "default")
        time.sleep(1.5)
        database.put(NewJob("greet", job_id=uuid4()))
        wait_until(lambda: len(ran) == 1, what="the job")
        connection.rollback()


def test_a_worker_that_listens_hears_of_it_at_once(postgresql: PrivateDatabase) -> None:
    workers = Workers(postgresql, Recorder())
    tasks = Tasks()
    ran: list[int] = []

    @tasks.task
    def note() -> None:
        ran.append(1)

    with workers.running(tasks, queues={"default": 1}), postgresql.connection() as connection:
        note.enqueue(connection)
        connection.commit()
        wait_until(lambda: len(ran) == 1, what="the first job")
        for count in range(2, 7):
            tasks.pause(connection, "default")
            connection.commit()
            note.enqueue(connection)
            connection.commit()
            time.sleep(0.15)  # that nothing happens cannot be waited for; on a busy machine it may: a second is allowed
            tasks.resume(connection, "default")
            connection.commit()
            wait_until(lambda: len(ran) == count, what="the job after the resume")  # noqa: B023


def test_tests_and_single_turns_keep_to_a_pause_too(database: PrivateDatabase) -> None:
    tasks, ran = Tasks(), []

    @tasks.task(queue="mail")
    def send() -> None:
        ran.append("mail")

    @tasks.task
    def other(job: Job) -> None:
        ran.append("other")

    with database.connection() as connection:
        pause(connection, "mail")
        send.enqueue(connection)
        other.enqueue(connection)
        assert [run.job_type for run in drain(connection, tasks)] == ["other"]
        assert drain(connection, tasks, queue_name="mail") == []
        with inline(tasks):
            send.enqueue(connection)
        assert not process_next_job(connection, tasks, queue_name="mail")
        connection.commit()
        assert not process_next_job(database.url, tasks, queue_name="mail")
        assert ran == ["other"]
        resume(connection, "mail")
        assert [run.job_type for run in drain(connection, tasks)] == ["send", "send"]
        connection.rollback()
