"""Handlers that treat their process badly cost themselves only: its other jobs and its heartbeat go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.innocence import nobody_is_blamed, on_machines_of_their_own
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

HEARTBEAT, LOST_AFTER = 1.5, 6.0  # as 15 to 60, the defaults
CARE: dict[str, Any] = {"queues": {"default": 4, "notes": 1}, "heartbeat": HEARTBEAT, "lost_after": LOST_AFTER}
HELD = LOST_AFTER / 3  # as 20 s are of the default


@pytest.fixture
def rough(tmp_path: Path) -> Iterator[Fleet]:
    """Workers with such handlers."""
    fleet = Fleet(tmp_path, "tests.faults.rough")
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_they_cost_themselves_only(product: str, database_of: DatabaseOf, rough: Fleet) -> None:
    database = database_of(product)
    worker = rough.start(database, **CARE)
    rough.start(database, queues={"nothing": 1}, heartbeat=HEARTBEAT, lost_after=LOST_AFTER)  # it would declare it dead
    rough.look_around()
    notes = [NewJob("note", {"n": n}, queue="notes") for n in range(20)]
    # A forked child that finds a standard stream in the middle of another thread's `input` or `write`
    # waits for it for ever: Python's danger, in any program with threads. So that one goes first.
    database.put(*notes[:5], NewJob("starts"), *notes[5:10])
    wait_until(lambda: database.count("archived_job") == 11, 60, what="its children to end")
    bad = [NewJob("greedy"), NewJob("asks"), NewJob("shouts"), NewJob("selfish", {"seconds": HELD})]
    database.put(*bad, *notes[10:])
    wait_until(lambda: database.count("archived_job") == 25, 60, what="all jobs in the archive")

    ended = {
        job_type: (status, errors) for job_type, status, errors in database.archive("job_type", "status", "errors")
    }
    assert "MemoryError" in ended["greedy"][1]
    assert ended["asks"][0] == "failure"
    assert [ended[name][0] for name in ("starts", "shouts", "selfish", "note")] == ["success"] * 4
    assert sorted(entry["n"] for entry in rough.ledger.entries("ran")) == list(range(20))
    assert len(rough.ledger.entries("child")) == 1
    assert rough.ledger.entries("worker.declared_dead") == rough.ledger.entries("jobs.recovered") == []
    worker.tell()
    assert worker.wait() == 0


def test_one_that_holds_the_interpreter_for_longer_than_lost_after_makes_nobody_dead(
    database: PrivateDatabase, rough: Fleet
) -> None:
    """As a regular expression does that takes for ever, or an extension that never lets go."""
    for _ in range(2):
        rough.start(database, queues={"default": 4}, heartbeat=0.5, lost_after=2.0)
    rough.look_around()
    on_machines_of_their_own(database)
    selfish = NewJob("selfish", {"seconds": 3.0}, queue="default")
    database.put(selfish, *[NewJob("note", {"n": n}) for n in range(20)])
    wait_until(lambda: database.count("archived_job") == 21, 60, what="all jobs in the archive")

    assert len(rough.ledger.entries("began")) == 1
    assert sorted(entry["n"] for entry in rough.ledger.entries("ran")) == list(range(20))
    nobody_is_blamed(database, rough.ledger)


def test_one_that_ends_the_process_is_found_and_runs_again(postgresql: PrivateDatabase, rough: Fleet) -> None:
    for _ in range(2):
        rough.start(postgresql, queues={"default": 1})
    rough.look_around()
    postgresql.put(NewJob("exits"))
    wait_until(lambda: postgresql.count("archived_job") == 1, 60)

    assert [entry["lost"] for entry in rough.ledger.entries("began")] == [0, 1]
    assert postgresql.archive("status", "attempts", "lost") == [("success", 1, 1)]
    assert sorted(str(worker.process.poll()) for worker in rough.workers) == ["7", "None"]
