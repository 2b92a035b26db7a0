"""Old archived jobs go, each as its task, its application or its worker says."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, Keep, NewJob, Queue, Tasks, TransitSerializer
from proletarian.worker.keeping import pruning
from proletarian.worker.keeping.membership import Care
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


def handle(job: Job) -> None:
    """Fail if the job says so."""
    if job.job_type == "bad":
        raise ValueError


def types(database: PrivateDatabase) -> list[str]:
    return sorted(job_type for (job_type,) in database.archive("job_type"))


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ({}, ["bad", "good"]),
        ({"keep_succeeded": 0.1}, ["bad"]),
        ({"keep_failed": 0.1}, ["good"]),
        ({"keep_succeeded": 0.1, "keep_failed": 0.1}, []),
        ({"keep_succeeded": 3600, "keep_failed": 3600}, ["bad", "good"]),
    ],
)
def test_each_kind_is_kept_as_long_as_told(
    database: PrivateDatabase, workers: Workers, options: dict[str, float], left: list[str]
) -> None:
    database.put(NewJob("good"), NewJob("bad"))
    workers.drain(handle)
    time.sleep(0.2)  # older than the short limits
    with workers.running(handle, **options):
        wait_until(lambda: database.count("archived_job") == len(left))

    assert types(database) == left


def aged(database: PrivateDatabase, days: float, *jobs: NewJob) -> None:
    """Jobs that ended so many days ago."""
    then = Queue(clock=lambda: datetime.now(UTC) - timedelta(days=days))
    database.put(*jobs, queue=then)
    Workers(database, lambda event, data: None).drain(handle, queue=then, keep_succeeded=None, keep_failed=None)  # type: ignore[arg-type]


def test_by_default_successes_stay_for_a_week_and_failures_for_a_season(
    database: PrivateDatabase, workers: Workers
) -> None:
    for days in (6, 8, 89, 91):
        aged(database, days, NewJob("good"), NewJob("bad"))
    with workers.running(handle):
        wait_until(lambda: types(database) == ["bad", "bad", "bad", "good"])


def test_a_task_keeps_its_jobs_as_long_as_it_says_and_others_of_the_application_as_that_says(
    database: PrivateDatabase, workers: Workers
) -> None:
    aged(database, 2, NewJob("brief"), NewJob("long"), NewJob("usual"), NewJob("stranger"))
    tasks = Tasks(keep=timedelta(days=1))
    tasks.task(name="brief", keep=Keep(succeeded=3600))(lambda: None)
    tasks.task(name="long", keep=Keep(None, None))(lambda: None)
    tasks.task(name="usual")(lambda: None)
    with workers.running(tasks):
        wait_until(lambda: types(database) == ["long", "stranger"])
    with workers.running(tasks, keep_succeeded=3600):
        wait_until(lambda: types(database) == ["long"], what="a worker that is told so prunes all types")


def test_tables_shared_with_clojure_keep_all_unless_somebody_says_otherwise(sqlite: PrivateDatabase) -> None:
    def ages(tasks: Tasks, **told: Any) -> list[float]:
        return pruning.retention_of(tasks, Care(**told)).ages

    shared = Queue(serializer=TransitSerializer())

    assert ages(Tasks(queue=shared)) == []
    assert ages(Tasks(queue=shared, keep=60)) == [60]
    assert ages(Tasks(queue=shared), keep_failed=60) == [60]
    assert ages(Tasks(), keep_succeeded=None) == [90 * 86400]


def test_more_than_one_look_holds_goes_too_and_what_stays_is_no_obstacle(
    sqlite: PrivateDatabase, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MOST", 10)
    aged(sqlite, 2, *[NewJob("good")] * 100, *[NewJob("bad")] * 100)
    with Workers(sqlite, recorder).running(handle, keep_succeeded=86400):
        wait_until(lambda: types(sqlite) == ["bad"] * 100)


def test_one_statement_that_ends_all_jobs_is_pruned_too(
    sqlite: PrivateDatabase, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "MOST", 10)
    aged(sqlite, 2, *[NewJob("bad")] * 100, *[NewJob("good")] * 100)
    sqlite.rows("UPDATE proletarian_archived_job SET finished_at = '2020-01-01 00:00:00.000000'")
    with Workers(sqlite, recorder).running(handle, keep_succeeded=86400, keep_failed=None):
        wait_until(lambda: types(sqlite) == ["bad"] * 100)


@pytest.mark.parametrize("keep", ["7d", -1, Keep])
def test_an_invalid_time_is_refused(keep: Any) -> None:
    with pytest.raises(ConfigurationError, match="keep"):
        Tasks(keep=keep)
    with pytest.raises(ConfigurationError, match="keep"):
        Tasks().task(name="t", keep=keep)(lambda: None)
    with pytest.raises(ConfigurationError, match="keep: succeeded"):
        Keep(succeeded=keep)
