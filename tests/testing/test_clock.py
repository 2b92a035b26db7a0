"""A clock that a test sets: nobody waits for what is due later."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proletarian import ConfigurationError, NewJob, Queue, Retry, Tasks, Worker, process_next_job
from proletarian.testing import Clock, assert_enqueued, drain, enqueued, set_clock
from tests.databases import PrivateDatabase
from tests.testing.application import Application

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_job_for_next_week_runs_when_the_clock_says_so(application: Application, connection: Any) -> None:
    urgent = application.greet.using(priority=9)
    with set_clock(application.tasks, NOON) as clock:
        urgent.using(process_in=timedelta(days=7)).enqueue(connection, name="Ada")
        assert drain(connection, application.tasks) == []

        clock.advance(days=8)
        drain(connection, application.tasks)

    assert application.done == ["hello, Ada"]


def test_a_job_that_was_enqueued_by_the_databases_time_is_reached_too(
    application: Application, connection: Any
) -> None:
    application.greet.using(process_in=3600).enqueue(connection, name="Ada")
    with set_clock(application.tasks) as clock:
        clock.advance(hours=2)
        drain(connection, application.tasks)

    assert application.done == ["hello, Ada"]


def test_a_retry_comes_when_it_is_due(application: Application, connection: Any) -> None:
    with set_clock(application.tasks, NOON) as clock:
        application.fail.enqueue(connection, why="no")
        drain(connection, application.tasks, raise_errors=False)
        [job] = enqueued(connection)
        assert job.process_at == NOON + timedelta(seconds=60)
        assert job.errors[0]["at"].startswith("2026-03-01T12:00:00")
        assert drain(connection, application.tasks) == []

        clock.advance(60)
        [run] = drain(connection, application.tasks, raise_errors=False)

    assert (run.attempt, run.outcome) == (2, "given_up")


def test_it_ends_with_the_block(application: Application, connection: Any) -> None:
    queue = application.tasks.queue
    before = dict(vars(queue))
    with set_clock(queue, NOON), set_clock(application.tasks, NOON + timedelta(days=1)):
        assert queue.now() == NOON + timedelta(days=1)
    assert queue.now() is None
    assert vars(queue) == before
    with pytest.raises(KeyError), set_clock(queue):
        raise KeyError
    assert queue.now() is None


def test_workers_of_this_process_go_by_it(application: Application, database: PrivateDatabase) -> None:
    database.put(NewJob("greet", {"name": "Ada"}, process_in=3600))
    with set_clock(application.tasks) as clock:
        clock.advance(hours=2)
        assert Worker(database.url, application.tasks).drain() == 1


def test_a_clock_for_a_queue_of_ones_own(connection: Any) -> None:
    clock = Clock(NOON)
    tasks = Tasks(queue=Queue(clock=clock), retry=Retry(1))

    @tasks.task
    def greet() -> None: ...

    greet.using(process_in=60).enqueue(connection)
    assert_enqueued(connection, greet.using(process_at=NOON + timedelta(minutes=1)).job())
    assert clock.set(NOON + timedelta(minutes=1)) == clock()
    assert process_next_job(connection, tasks)


def test_a_clock_moves_as_it_is_told() -> None:
    clock = Clock(NOON)

    assert clock.advance(timedelta(minutes=1), days=1) == NOON + timedelta(days=1, minutes=1)
    assert clock.advance(1.5, minutes=1, hours=-1) == NOON + timedelta(days=1, minutes=-58, seconds=1.5)
    assert abs(Clock()() - datetime.now(UTC)) < timedelta(minutes=1)
    assert {Clock()().microsecond % 1000 for _ in range(50)} == {0}


def test_a_time_without_a_zone_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="aware datetime"):
        Clock(datetime(2026, 3, 1))  # noqa: DTZ001
    with pytest.raises(ConfigurationError, match="Tasks or Queue is needed here"), set_clock("jobs"):  # type: ignore[arg-type]
        pass
