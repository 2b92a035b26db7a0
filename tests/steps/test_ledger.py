"""Workers that are killed and frozen: whatever a handler was told of a step is what every later run is told."""

from __future__ import annotations

import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob, Queue
from tests.databases import PrivateDatabase
from tests.steps.crew import STEPS
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 5}, "heartbeat": 0.3, "lost_after": 1.5}
JOBS, KILLS = 150, 4


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Fleet]:
    fleet = Fleet(tmp_path, "tests.steps.crew")
    try:
        yield fleet
    finally:
        fleet.end()


def test_what_was_used_is_what_is_kept(crew: Fleet, database: PrivateDatabase) -> None:
    chance = random.Random(3)
    database.put(*[NewJob("ship") for _ in range(JOBS)])
    for _ in range(2):
        crew.start(database, wait=False, **CARE)
    crew.ledger.wait_for("used")
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.05, 0.4))
        victim = chance.choice([worker for worker in crew.workers if worker.process.poll() is None])
        if chance.random() < 0.5:
            victim.kill()
            crew.start(database, wait=False, **CARE)
        else:  # it comes back, and goes on with jobs that are another's meanwhile
            victim.freeze()
            time.sleep(0.3)
            victim.thaw()
    wait_until(lambda: database.count("archived_job") == JOBS, 60, what="the end of all jobs")

    dialect = Queue().dialect(database.kind)
    rows = database.rows(f"SELECT job_id, name, result FROM {database.table('step')}")
    kept = {(str(dialect.loaded_id(job_id)), name): json.loads(result) for job_id, name, result in rows}
    used = crew.ledger.entries("used")
    assert len(kept) == JOBS * STEPS
    assert len(used) > len(kept), "some were asked for again"
    assert [entry for entry in used if kept[entry["job_id"], f"step {entry['step']}"] != entry["value"]] == []
    assert {status for (status,) in database.archive("status")} == {"success"}
    assert {entry["error"] for entry in crew.ledger.entries("job.failed")} == {"some are retried"}
