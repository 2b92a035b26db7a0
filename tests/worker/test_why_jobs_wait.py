"""Workers say which job types they have handlers for, so that people are told why a job waits."""

from __future__ import annotations

import threading
from typing import Any

from proletarian import Job, NewJob, Tasks
from proletarian.connections.database import Database
from proletarian.looking.seeing import see_job
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


def why(database: PrivateDatabase, job_id: Any) -> str | None:
    place = Database(database.url)
    record = place.run(see_job(place.queue, place.kind, job_id, mask=True))
    return record.why.code if record and record.why else None


def test_a_type_that_no_worker_knows_is_said(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None: ...

    [job_id] = database.put(greet.using(queue="other").job())
    with workers.running(tasks, queues={"default": 1}):
        assert why(database, job_id) == "no_worker"
    other = Tasks()

    @other.task
    def leave() -> None: ...

    [later] = database.put(greet.using(queue="third", process_in=3600).job())
    assert why(database, later) == "not_due"
    assert sorted(other.within(lambda job, call_next: call_next(job), tasks).job_types() or ()) == ["greet", "leave"]
    with workers.running(other, queues={"other": 1}):
        # Now and then it is in the hands of that worker, which puts it back.
        wait_until(lambda: why(database, job_id) == "unknown_job_type", what="a worker of the queue")


def test_a_worker_with_one_callable_may_know_any_type(database: PrivateDatabase, workers: Workers) -> None:
    began, end = threading.Event(), threading.Event()

    def anything(job: Job) -> None:
        began.set()
        end.wait(20)

    with workers.running(anything, queues={"default": 1}):
        database.put(NewJob("first"))
        assert began.wait(60)
        [job_id] = database.put(NewJob("second"))
        found = why(database, job_id)
        end.set()
    assert found in ("next", None)  # None: claimed ahead
