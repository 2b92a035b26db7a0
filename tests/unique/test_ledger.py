"""
Clients with rollbacks, and clients and workers that are killed, on every database: what was promised is written down.

Eight clients want a few keys; a checker looks at snapshots all the while. At the end every job that a committed
transaction was told of has run, or another one of its key would be missing.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import Queue
from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.waiting import wait_until
from tests.worker.fleet import ROOT

CLIENTS, WORKERS = 8, 2
SECONDS, LOOKS, DEATHS = 4.0, 10, 4


class Crowd:
    """Processes of one sort, of which one can be killed and put in place again."""

    def __init__(self, *command: str) -> None:
        self._command = [sys.executable, "-m", *command]
        self._count = 0
        self.processes: list[subprocess.Popen[bytes]] = []

    def start(self) -> None:
        self._count += 1
        command = [*self._command, *([str(self._count)] if "client" in self._command[2] else [])]
        self.processes.append(subprocess.Popen(command, cwd=ROOT))

    def kill_one(self, chance: random.Random) -> None:
        victim = chance.choice(self.processes)
        self.processes.remove(victim)
        victim.kill()
        victim.wait()
        self.start()

    def end(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes = []


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger(tmp_path / "ledger")


@pytest.fixture
def clients(database: PrivateDatabase, ledger: Ledger) -> Iterator[Crowd]:
    crowd = Crowd("tests.unique.client", database.product, database.url, str(ledger.path))
    yield crowd
    crowd.end()


@pytest.fixture
def crew(database: PrivateDatabase, ledger: Ledger) -> Iterator[Crowd]:
    crowd = Crowd("tests.unique.program", database.url, str(ledger.path))
    yield crowd
    crowd.end()


def unfinished_doubles(database: PrivateDatabase) -> list[tuple[object, ...]]:
    """Keys until the end of a job under which two are there at one moment."""
    waiting, running = database.table("job"), database.table("running_job")
    return database.rows(
        f"SELECT unique_key, count(*) FROM (SELECT unique_key FROM {waiting} WHERE job_type = 'finished'"
        f" UNION ALL SELECT unique_key FROM {running} WHERE job_type = 'finished') AS here"
        " GROUP BY unique_key HAVING count(*) > 1"
    )


def test_the_ledger_balances(database: PrivateDatabase, ledger: Ledger, clients: Crowd, crew: Crowd) -> None:
    chance = random.Random(15)
    for _ in range(WORKERS):
        crew.start()
    for _ in range(CLIENTS):
        clients.start()
    ledger.wait_for("worker.started", count=WORKERS)
    ledger.wait_for("committed", count=5)
    ends, seen, deaths = time.monotonic() + SECONDS, 0, 0
    next_death = time.monotonic() + 0.5
    while time.monotonic() < ends or seen < LOOKS or deaths < DEATHS:
        assert unfinished_doubles(database) == []
        seen += 1
        if time.monotonic() > next_death:
            chance.choice([clients, crew]).kill_one(chance)
            deaths += 1
            next_death = time.monotonic() + 1.0
        time.sleep(0.02)
    clients.end()
    crew.end()
    crew.start()
    wait_until(lambda: database.left() == 0, 60, what="the end of all jobs")

    told = ledger.entries("committed")
    first_run: dict[str, float] = {}
    for entry in ledger.entries("ran"):
        first_run.setdefault(entry["job_id"], entry.at)
    archived = {str(job_id) for (job_id,) in archived_ids(database)}
    assert len(told) > 20, "there was something to see"
    assert {entry["job_id"] for entry in told} <= archived, "every id that was answered is one of a job"
    for entry in told:
        if entry["type"] == "started" and entry["job_id"] in first_run:
            assert first_run[entry["job_id"]] >= entry["at"] - 0.001, "it started before it was kept: a lost update"


def archived_ids(database: PrivateDatabase) -> list[tuple[object, ...]]:
    """The ids in the archive, as an application has them."""
    dialect = Queue().dialect(database.kind)
    rows = database.rows(f"SELECT job_id FROM {database.table('archived_job')}")
    return [(dialect.loaded_id(job_id),) for (job_id,) in rows]
