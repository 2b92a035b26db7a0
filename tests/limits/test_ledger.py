"""
Limits under fire, on every database: workers that are killed, frozen and stopped, jobs that fail and are given back.

Counted twice: by looks at the database all the while, and by when handlers really began and ended.
"""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.databases import PrivateDatabase
from tests.limits.counts import Looks, check, jobs
from tests.waiting import wait_until
from tests.worker.fleet import Fleet, WorkerProcess

WORKERS = int(os.environ.get("LIMITS_WORKERS", "4"))
SECONDS = float(os.environ.get("LIMITS_SECONDS", "3"))
JOBS = int(os.environ.get("LIMITS_JOBS", "40"))  # of each lane
OPTIONS: dict[str, Any] = {"queues": {"default": 6}}


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes; all are ended with the test."""
    fleet = Fleet(tmp_path, "tests.limits.program")
    try:
        yield fleet
    finally:
        fleet.end()


def harass(crew: list[WorkerProcess], chance: random.Random, deaths: dict[int, float]) -> None:
    """Kill one, freeze one for a moment, or have one stop."""
    worker = chance.choice(crew)
    what = chance.choice(["kill", "kill", "freeze", "stop"])
    if what == "kill":
        deaths[worker.pid] = worker.kill()
    elif what == "freeze":
        worker.freeze()
        time.sleep(0.3)
        worker.thaw()
    else:
        worker.tell(signal.SIGTERM)


def test_no_lane_is_ever_over_its_limit_and_ordered_ones_begin_in_order(
    database: PrivateDatabase, fleet: Fleet
) -> None:
    chance = random.Random(7)
    put = database.put(*jobs(JOBS))
    looks = Looks(database)
    looks.start()
    crew = [fleet.start(database, wait=False, **OPTIONS) for _ in range(WORKERS)]
    fleet.ledger.wait_for("worker.started", 60, count=WORKERS)
    deaths: dict[int, float] = {}
    end = time.monotonic() + SECONDS
    while time.monotonic() < end:
        harass(crew, chance, deaths)
        fleet.keep_up(crew, database, **OPTIONS)
        time.sleep(0.1)
    for worker in crew:
        with contextlib.suppress(ProcessLookupError):
            worker.thaw()
    wait_until(lambda: database.count("archived_job") == len(put), 120, what="all jobs")
    looks.end()
    for worker in crew:
        worker.end()

    check(looks, fleet.ledger, deaths)
    assert {status for _, status in database.archive()} == {"success"}
