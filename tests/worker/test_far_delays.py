"""Times that no calendar holds: refused at the enqueue, cut short in a run; never the end of a worker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Retry, RetryAfter, Snooze, Tasks, enqueue, enqueue_many
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

MICROSECONDS = 1_796_000_000_000_000  # an instant of 2026 in microseconds, taken for a delay in seconds

TOO_FAR: list[dict[str, Any]] = [
    {"process_in": 10**12},
    {"process_in": timedelta.max},
    {"process_at": datetime.max.replace(tzinfo=UTC)},
    {"process_at": datetime.max.replace(tzinfo=timezone(timedelta(hours=-12)))},
    {"process_at": datetime(9999, 1, 2, tzinfo=UTC)},
]


@pytest.mark.parametrize("options", TOO_FAR, ids=str)
def test_they_are_refused_at_the_enqueue(sqlite: PrivateDatabase, options: dict[str, Any], tasks: Tasks) -> None:
    @tasks.task
    def greet() -> None: ...

    with sqlite.connection() as connection:
        with pytest.raises(ConfigurationError, match="too far away: the latest is 9999-01-01"):
            enqueue(connection, "greet", {}, **options)
        with pytest.raises(ConfigurationError, match="too far away"):
            enqueue_many(connection, [NewJob("greet", {}, **options)])
        with pytest.raises(ConfigurationError, match="too far away"):
            greet.using(**options)


def test_the_latest_that_is_taken_is_stored_as_it_is(database: PrivateDatabase, workers: Workers) -> None:
    latest = datetime(9999, 1, 1, tzinfo=UTC)
    seconds = (latest - datetime.now(UTC)).total_seconds() - 3600
    with database.connection() as connection:
        for options in ({"process_at": latest}, {"process_in": seconds}, {"process_in": timedelta(seconds=seconds)}):
            enqueue(connection, "greet", {}, **options)
            enqueue_many(connection, [NewJob("greet", {}, **options)])
        connection.commit()

    assert workers.drain(lambda job: None) == 0
    years = {str(when)[:4] for (when,) in database.rows(f"SELECT process_at FROM {database.table('job')}")}
    assert years <= {"9999", "9998"}
    assert database.count("job") == 6


@pytest.mark.parametrize("year", [1, 300, 999, 1969])
def test_what_is_long_past_runs_now(database: PrivateDatabase, workers: Workers, year: int) -> None:
    past = datetime(year, 1, 1, tzinfo=timezone(timedelta(hours=14)))
    with database.connection() as connection:
        enqueue(connection, "greet", {}, process_at=past)
        enqueue_many(connection, [NewJob("greet", {}, process_at=past)])
        enqueue(connection, "greet", {}, process_in=timedelta.min)
        connection.commit()

    assert workers.drain(lambda job: None) == 3


def test_one_that_a_run_asks_for_is_cut_short_and_holds_up_nobody(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task
    def after() -> None:
        raise RetryAfter(MICROSECONDS)

    @tasks.task
    def snoozes() -> None:
        raise Snooze(timedelta.max)

    @tasks.task(retry=Retry(3, delays=[1.8e15]))
    def fails() -> None:
        raise ValueError("no")

    done = []

    @tasks.task
    def good(n: int) -> None:
        done.append(n)

    database.put(after.job(), snoozes.job(), fails.job(), *[good.job(n=n) for n in range(5)])
    with workers.running(tasks, queues={"default": 4}):
        workers.archived(5)
        database.put(*[good.job(n=n) for n in range(5, 10)])
        workers.archived(10)
        for event in ("job.retrying", "job.snoozed"):
            workers.recorder.wait_for(event)

    assert sorted(done) == list(range(10))
    assert workers.recorder.names("database.") == []
    assert (database.count("job"), database.count("running_job")) == (3, 0)
    when = [str(when)[:4] for (when,) in database.rows(f"SELECT process_at FROM {database.table('job')}")]
    assert when == ["9999"] * 3 or when == ["9998"] * 3
    told = {data["job_type"]: data for name in ("job.retrying", "job.snoozed") for data in workers.recorder.of(name)}
    assert told["after"]["asked_for"] == MICROSECONDS
    assert told["fails"]["asked_for"] == 1.8e15
    assert told["snoozes"]["asked_for"] == timedelta.max.total_seconds()
    assert all(data["retry_in"] < 8000 * 366 * 86400 for data in told.values())


@pytest.mark.parametrize("seconds", [10**400, float("inf"), float("nan"), "soon", -1])
@pytest.mark.parametrize("signal", [Snooze, RetryAfter])
def test_an_invalid_delay_is_refused_where_it_is_made(signal: Any, seconds: Any) -> None:
    with pytest.raises(ConfigurationError, match="is seconds or a timedelta, 0 or more"):
        signal(seconds)


def test_an_ordinary_delay_says_nothing_about_what_was_asked_for(sqlite: PrivateDatabase, recorder: Any) -> None:
    def handle(job: Job) -> None:
        raise RetryAfter(60)

    sqlite.put(NewJob("greet"))
    Workers(sqlite, recorder).drain(handle)

    [data] = recorder.of("job.retrying")
    assert data["retry_in"] == 60
    assert "asked_for" not in data
