"""
Workers on machines whose clocks are wrong by hours, in both directions: the database's clock counts. And a database
whose clock is put forward or back: nobody is taken for dead for it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob, Queue
from tests.conftest import DatabaseOf, server_url
from tests.databases import PrivateDatabase
from tests.faults.clocks import clock_of, libfaketime, steerable
from tests.faults.innocence import nobody_is_blamed, on_machines_of_their_own
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 2}, "heartbeat": 1.0, "lost_after": 10.0}


@pytest.fixture
def wrong(tmp_path: Path) -> Iterator[Fleet]:
    """Workers whose clocks are wrong."""
    fleet = Fleet(tmp_path, "tests.faults.wrong_clock", forked=False)
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])
def test_a_workers_wrong_clock_has_no_effect(product: str, database_of: DatabaseOf, wrong: Fleet) -> None:
    database = database_of(product)
    for hours in (-7, 9):
        wrong.start(database, hours=hours, libfaketime=libfaketime(), **CARE)
    off = [abs(entry.at - time.time()) / 3600 for entry in wrong.ledger.entries("worker.started")]
    assert sorted(map(round, off)) == [7, 9], "their clocks are wrong"

    database.put(*[NewJob("note", {"n": n}) for n in range(20)])
    database.put(NewJob("note", {"n": 20}, process_in=2), NewJob("note", {"n": 21}, process_in=3600))
    wait_until(lambda: database.count("archived_job") == 21, 60)
    enqueued = [entry["n"] for entry in wrong.ledger.entries("ran")]

    assert sorted(enqueued) == list(range(21)), "each once, and what is due in an hour is not due"
    assert database.count("job") == 1
    assert wrong.ledger.entries("worker.declared_dead") == wrong.ledger.entries("jobs.recovered") == []
    dialect = Queue().dialect(database.kind)
    for process_at, started_at, finished_at in database.archive("process_at", "started_at", "finished_at"):
        started, finished = dialect.loaded_time(started_at), dialect.loaded_time(finished_at)
        assert dialect.loaded_time(process_at) <= started <= finished
        assert abs(finished - datetime.now(UTC)) < timedelta(minutes=5), "by the database's clock"


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])
def test_a_step_of_the_databases_clock_makes_nobody_dead(product: str, fleet: Fleet) -> None:
    server_url(product)  # skips where there is none
    care: dict[str, Any] = {"queues": {"default": 2}, "heartbeat": 1.0, "lost_after": 4.0}
    with steerable(product) as server:
        database = PrivateDatabase(product, server.url)
        database.migrate()
        for _ in range(2):
            fleet.start(database, **care)
        fleet.look_around()
        on_machines_of_their_own(database)
        database.put(*[NewJob("sleep", {"seconds": 9.0})] * 4)
        fleet.ledger.wait_for("began", count=4)
        for step in (120, 0):
            server.put(step)
            wait_until(lambda: abs(clock_of(database) - time.time() - step) < 10)  # noqa: B023 (called at once)
            fleet.start(database, queues={"other": 1}, heartbeat=1.0, lost_after=4.0)  # a newcomer knows no other time
            time.sleep(3.0)  # time to be declared dead in
        wait_until(lambda: database.count("archived_job") == 4, 60)

        nobody_is_blamed(database, fleet.ledger)
