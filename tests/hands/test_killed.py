"""A worker that is killed leaves no child behind, and a peer runs the jobs of its children."""

from __future__ import annotations

import json
import os
import random
import signal
import sys

import pytest

from proletarian import Processes, Worker
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.hands.test_processes import is_alive
from tests.ledger import Ledger
from tests.waiting import wait_until
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="asks /proc")


def test_children_end_with_a_worker_that_is_killed(sqlite: PrivateDatabase, fleet: Fleet) -> None:
    """At once, even inside of C code that holds the interpreter."""
    ledger = str(fleet.ledger.path)
    sqlite.put(shop.endless.job(ledger=ledger), shop.listen.job(ledger=ledger))
    worker = fleet.start(sqlite)
    fleet.ledger.wait_for("began", count=2)
    pids = [entry.pid for entry in fleet.ledger.entries("began")]
    assert all(map(is_alive, pids))

    worker.kill()
    wait_until(lambda: not any(map(is_alive, pids)), what="the end of the children")
    assert not fleet.ledger.entries("told")


def test_the_books_balance_though_children_are_killed_at_random(
    sqlite: PrivateDatabase, recorder: Recorder, ledger: Ledger
) -> None:
    sqlite.put(*(shop.brief.job(ledger=str(ledger.path)) for _ in range(60)))
    killed: set[int] = set()
    with Worker(sqlite.url, shop.tasks, queues={"default": Processes(3)}, log=recorder):
        while len(killed) < 10 and sqlite.count("archived_job") < 60:
            begun = ledger.entries("began")
            if alive := {entry.pid for entry in begun} - killed:
                victim = random.choice(sorted(alive))
                os.kill(victim, signal.SIGKILL)
                killed.add(victim)
            more = len(begun) + 3  # so the others get on, and another child comes in its place
            wait_until(lambda more=more: len(ledger.entries("began")) >= more or sqlite.count("archived_job") == 60)  # type: ignore[misc]
        wait_until(lambda: sqlite.count("archived_job") == 60, 60, what=f"the end of all jobs; {recorder.events[-9:]}")

    rows = sqlite.archive("status", "attempts", "errors")
    counted = sum(attempts - 1 for _, attempts, _ in rows)
    assert {status for status, _, _ in rows} == {"success"}
    assert all(attempts - 1 == len(json.loads(errors or "[]")) for _, attempts, errors in rows)
    assert 1 <= counted <= len(killed), "a death costs one run, or none between two jobs"
    assert len(recorder.of("job.started")) == 60 + counted
    assert not any(map(is_alive, {entry.pid for entry in ledger.entries("began")}))


def test_a_peer_takes_over(postgresql: PrivateDatabase, fleet: Fleet) -> None:
    postgresql.put(shop.deaf.job(ledger=str(fleet.ledger.path), seconds=1.0))
    for _ in range(2):
        fleet.start(postgresql)
    began = fleet.ledger.wait_for("began")
    fleet.look_around()
    owner = next(worker for worker in fleet.workers if fleet.ledger.entries("job.started", pid=worker.pid))
    if not fleet.ledger.entries("ended"):
        owner.kill()
        again = fleet.ledger.wait_for("began", 40, count=2)
        assert (again["lost"], again["attempts"]) == (1, 1)
        assert again.pid != began.pid
    wait_until(lambda: postgresql.archive() == [("deaf", "success")], what="its end")
