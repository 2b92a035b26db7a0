"""Inline: a job runs at its enqueue, in the same transaction."""

from __future__ import annotations

from typing import Any

import pytest

from proletarian import ConfigurationError, Queue, Tasks, enqueue
from proletarian.testing import enqueued, inline, set_clock
from tests.databases import PrivateDatabase
from tests.testing.application import Application


def test_a_job_has_run_when_enqueue_returns(
    application: Application, connection: Any, database: PrivateDatabase
) -> None:
    with inline(application.tasks) as ran:
        job_id = application.send_welcome.enqueue(connection, email="ann@example.org")
        assert application.done == ["welcome, ann@example.org"]
        application.tasks.queue.enqueue(connection, "greet", {"name": "Ada"})
    application.greet.enqueue(connection, name="Bob")

    assert application.done == ["welcome, ann@example.org", "hello, Ada"]
    assert [(run.job_type, run.outcome) for run in ran] == [("send_welcome", "succeeded"), ("greet", "succeeded")]
    assert ran[0].job_id == job_id
    assert [job.payload for job in enqueued(connection)] == [{"name": "Bob"}]
    assert application.tasks.queue.around == ()
    connection.rollback()
    assert database.count("archived_job") == 0


def test_copies_of_a_task_are_reached_too_and_jobs_in_bulk(application: Application, connection: Any) -> None:
    urgent = application.greet.using(priority=9)
    with inline(application.tasks):
        urgent.enqueue(connection, name="Ada")
        application.tasks.queue.enqueue_many(connection, [urgent.job(name="Bob"), application.greet.job(name="Eve")])

    assert application.done == ["hello, Ada", "hello, Bob", "hello, Eve"]


def test_jobs_that_jobs_enqueue_run_after_them(tasks: Tasks, connection: Any) -> None:
    done = []

    @tasks.task(queue="other")
    def count(down: int) -> None:
        done.append(f"begin {down}")
        if down:
            count.enqueue(connection, down=down - 1)
        done.append(f"end {down}")

    with inline(tasks):
        count.enqueue(connection, down=2)

    assert done == ["begin 2", "end 2", "begin 1", "end 1", "begin 0", "end 0"]


def test_an_error_is_raised_by_the_enqueue(application: Application, connection: Any) -> None:
    with inline(application.tasks), pytest.raises(ValueError, match="no"):
        application.fail.enqueue(connection, why="no")
    with inline(application.tasks, raise_errors=False) as ran:
        application.fail.enqueue(connection, why="no")

    assert [run.outcome for run in ran] == ["retrying"]
    assert [job.attempts for job in enqueued(connection)] == [1, 1]


def test_a_job_for_later_waits_for_the_clock(application: Application, connection: Any) -> None:
    with inline(application.tasks), set_clock(application.tasks) as clock:
        application.greet.using(process_in=60).enqueue(connection, name="Ada")
        assert application.done == []

        clock.advance(60)
        application.send_welcome.enqueue(connection, email="ann@example.org")

    assert application.done == ["hello, Ada", "welcome, ann@example.org"]


def test_another_queue_is_left_alone(application: Application, connection: Any) -> None:
    with inline(application.tasks):
        enqueue(connection, "greet", {"name": "Ada"})
        assert application.done == []
    with pytest.raises(ConfigurationError, match="Tasks, not by"), inline(Queue()):  # type: ignore[arg-type]
        pass
