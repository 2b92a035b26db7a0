"""
Workers that are killed at any moment, on every database: each job that waits is released once, and none too soon.

What is enqueued is drawn by lot; what has to become of each follows from that, and is compared with the archive.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import PrivateDatabase
from tests.flows.plan import SIZE, Plan, balance
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 5}, "heartbeat": 0.3, "lost_after": 1.5, "poll_interval": 0.1}
FLOWS, KILLS, WORKERS = 25, 4, 3


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, "tests.flows.crew")
    try:
        yield fleet
    finally:
        fleet.end()


def test_each_is_released_once_and_none_too_soon(crew: Fleet, database: PrivateDatabase) -> None:
    chance = random.Random(11)
    plan = Plan(chance)
    for _ in range(WORKERS):
        crew.start(database, wait=False, **CARE)
    crew.ledger.wait_for("worker.started", count=WORKERS)
    kill_at = time.monotonic() + 0.3
    killed = 0
    with database.connection() as connection:
        while len(plan.after) < FLOWS * SIZE or killed < KILLS:
            if len(plan.after) < FLOWS * SIZE:
                plan.flow().enqueue(connection)
                time.sleep(chance.uniform(0, 0.05))  # open for a while
                connection.commit()
            if time.monotonic() > kill_at:
                chance.choice([worker for worker in crew.workers if worker.process.poll() is None]).kill()
                crew.start(database, wait=False, **CARE)
                killed += 1
                kill_at = time.monotonic() + chance.uniform(0.1, 0.5)
    wait_until(lambda: database.left() == 0, 90, what="the end of all jobs")
    balance(database, crew.ledger, plan)
