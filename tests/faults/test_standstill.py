"""A worker in which nothing moves any more proves its life no longer, and its process can be stopped."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob
from proletarian.worker.last_resort import EXIT_CODE
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 1}, "heartbeat": 1.0, "lost_after": 4.0, "stop_timeout": 1.0}


@pytest.fixture
def unheard(tmp_path: Path) -> Iterator[Fleet]:
    """Workers whose log hangs once a job has failed."""
    fleet = Fleet(tmp_path, "tests.faults.unheard")
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.fixture
def rough(tmp_path: Path) -> Iterator[Fleet]:
    """Workers whose handlers treat their process badly."""
    (tmp_path / "rough").mkdir()
    fleet = Fleet(tmp_path / "rough", "tests.faults.rough")
    try:
        yield fleet
    finally:
        fleet.end()


def test_a_worker_whose_log_hangs_is_succeeded_by_others_and_ends_when_it_is_told_to(
    database: PrivateDatabase, unheard: Fleet
) -> None:
    hanging = unheard.start(database, last_resort=3.0, **CARE)
    database.put(NewJob("fails"))
    unheard.ledger.wait_for("job.retrying")
    database.put(*[NewJob("note", {"n": n}) for n in range(3)])
    unheard.start(database, last_resort=3.0, **CARE | {"queues": {"quiet": 1}})  # sees that the other is dead
    unheard.ledger.wait_for("jobs.recovered", 60)
    wait_until(lambda: database.count("running_job") == 0, 60, what="nothing in the hands of the one that hangs")
    hanging.tell()

    assert hanging.wait(60) == EXIT_CODE
    assert "the stop has not ended" in hanging.said()
    unheard.start(database, last_resort=3.0, **CARE)
    wait_until(lambda: len(unheard.ledger.entries("ran")) == 3, 60, what="the other jobs")


def test_a_worker_whose_descriptors_a_handler_has_closed_says_so_and_ends(
    database: PrivateDatabase, rough: Fleet
) -> None:
    worker = rough.start(database, **CARE)
    database.put(NewJob("closes"))
    rough.ledger.wait_for("worker.failed", 60)

    assert worker.wait(60) != 0
    assert "file descriptors of this worker were closed" in worker.said()
    tables = ("archived_job", "running_job", "job")
    assert sum(map(database.count, tables)) == 1, "nothing is lost: what could not be noted is taken back, and counts"
