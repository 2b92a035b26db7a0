"""Old archived jobs go, if the worker is told to see to that."""

from __future__ import annotations

import time

import pytest

from proletarian import Job, NewJob
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


def handle(job: Job) -> None:
    """Fail if the job says so."""
    if job.job_type == "bad":
        raise ValueError


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
        wait_until(lambda: database.count("archived_job") == len(left), seconds=5)

    assert sorted(job_type for (job_type,) in database.archive("job_type")) == left
