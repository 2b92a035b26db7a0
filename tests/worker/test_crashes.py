"""Workers that die: their jobs run again on a peer, soon, and not for ever."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

WITHIN = 2.0  # seconds: the promise


def recovery(database: PrivateDatabase, fleet: Fleet) -> float:
    """Seconds from the death of a worker in the middle of a long job until a peer runs the job again."""
    database.empty()
    dying = fleet.start(database)
    peer = fleet.start(database, queues={"other": 1, "default": 1})
    fleet.look_around()
    database.put(NewJob("sleep", {"seconds": 60}))
    wait_until(lambda: fleet.ledger.entries("began"), what="the first run")
    if fleet.ledger.entries("began", pid=peer.pid):
        dying, peer = peer, dying
    died = dying.kill()
    again = fleet.ledger.wait_for("began", pid=peer.pid, lost=1)
    assert again["attempts"] == 1, "the run that was lost is no attempt"
    return again.at - died


def test_a_job_whose_worker_is_killed_runs_again_on_a_peer_within_2_seconds(
    database: PrivateDatabase, fleet: Fleet, tmp_path: Path
) -> None:
    seconds = recovery(database, fleet)
    if seconds >= WITHIN:  # the machine may have had a bad moment: once more
        fleet.end()
        (tmp_path / "again").mkdir()
        again = Fleet(tmp_path / "again")
        try:
            seconds = recovery(database, again)
        finally:
            again.end()

    assert seconds < WITHIN


def test_the_loss_is_counted_and_told(database: PrivateDatabase, fleet: Fleet) -> None:
    dying = fleet.start(database, queues={"default": 1})
    peer = fleet.start(database, queues={"other": 1})
    fleet.look_around()
    database.put(NewJob("sleep", {"seconds": 60}))
    fleet.ledger.wait_for("began", pid=dying.pid)
    dying.kill()
    told = fleet.ledger.wait_for("jobs.recovered", pid=peer.pid)
    released = fleet.ledger.wait_for("job.released", pid=peer.pid)

    assert told["count"] == 1
    assert released["lost"] == 1
    [(attempts, lost, errors)] = database.rows(f"SELECT attempts, lost, errors FROM {database.table('job')}")
    assert (attempts, lost) == (0, 1)
    [error] = json.loads(errors)
    assert error["type"] == "WorkerLost"
    assert str(dying.pid) in error["worker"]
    assert database.count("worker") == 1


def test_a_job_that_kills_its_process_is_given_up_after_the_third_time(database: PrivateDatabase, fleet: Fleet) -> None:
    for _ in range(4):
        fleet.start(database, wait=False, queues={"default": 1})
    fleet.ledger.wait_for("worker.started", count=4)
    fleet.look_around()
    database.put(NewJob("deadly"))
    given_up = fleet.ledger.wait_for("job.given_up")

    assert [entry["lost"] for entry in fleet.ledger.entries("began")] == [0, 1, 2]
    assert "died 3 times while running this job" in given_up["error"]
    [(status, attempts, lost, errors)] = database.archive("status", "attempts", "lost", "errors")
    assert (status, attempts, lost) == ("failure", 0, 3)
    assert "died 3 times while running this job" in json.loads(errors)[-1]["message"]
    assert len([worker for worker in fleet.workers if worker.process.poll() is None]) == 1, "the fourth lives on"


def test_jobs_that_were_held_but_not_started_are_not_lost(database: PrivateDatabase, fleet: Fleet) -> None:
    dying = fleet.start(database, queues={"default": 2})
    database.put(*[NewJob("sleep", {"seconds": 60})] * 2, *[NewJob("note", {"n": n}) for n in range(20)])
    fleet.ledger.wait_for("began", pid=dying.pid, count=2)
    peer = fleet.start(database, queues={"default": 4})
    fleet.ledger.wait_for("ran", pid=peer.pid, count=20)
    dying.kill()

    assert sorted(entry["n"] for entry in fleet.ledger.entries("ran")) == list(range(20))


def test_one_that_is_killed_while_it_stops(database: PrivateDatabase, fleet: Fleet) -> None:
    dying = fleet.start(database, queues={"default": 1}, stop_timeout=60)
    peer = fleet.start(database, queues={"other": 1})
    fleet.look_around()
    database.put(NewJob("deaf", {"seconds": 60}))
    fleet.ledger.wait_for("began", pid=dying.pid)
    dying.tell()
    fleet.ledger.wait_for("worker.stopping", pid=dying.pid)
    dying.kill()

    fleet.ledger.wait_for("jobs.recovered", pid=peer.pid)
    assert database.rows(f"SELECT lost FROM {database.table('job')}") == [(1,)]


def test_every_worker_killed_at_once_the_next_one_takes_over(sqlite: PrivateDatabase, fleet: Fleet) -> None:
    """On SQLite a free lock is proof by itself; elsewhere a newcomer waits longer, in case a server has restarted."""
    crew = [fleet.start(sqlite, queues={"default": 1}) for _ in range(2)]
    sqlite.put(*[NewJob("sleep", {"seconds": 60})] * 2)
    fleet.ledger.wait_for("began", count=2)
    for worker in crew:
        worker.kill()
    newcomer = fleet.start(sqlite)

    fleet.ledger.wait_for("began", pid=newcomer.pid, count=2, lost=1)


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])
def test_a_newcomer_finds_them_by_their_heartbeat(product: str, fleet: Fleet, database_of: DatabaseOf) -> None:
    database = database_of(product)
    worker = fleet.start(database, queues={"default": 1}, heartbeat=0.5, lost_after=2)
    database.put(NewJob("sleep", {"seconds": 60}))
    fleet.ledger.wait_for("began")
    worker.kill()
    newcomer = fleet.start(database)

    fleet.ledger.wait_for("began", pid=newcomer.pid, lost=1)


def test_a_frozen_worker_cannot_record_an_outcome(database: PrivateDatabase, fleet: Fleet) -> None:
    care: dict[str, Any] = {"heartbeat": 0.5, "lost_after": 2, "queues": {"default": 1}}
    frozen = fleet.start(database, **care)
    database.put(NewJob("sleep", {"seconds": 1.0}))
    fleet.ledger.wait_for("began", pid=frozen.pid)
    frozen.freeze()
    peer = fleet.start(database, **care)
    fleet.ledger.wait_for("ended", pid=peer.pid)
    wait_until(lambda: database.count("archived_job") == 1)
    archived = database.archive("status", "lost", "worker")
    frozen.thaw()
    fleet.ledger.wait_for("job.lease_lost", pid=frozen.pid)

    [(status, lost, worker)] = archived
    assert (status, lost) == ("success", 1)
    assert worker.endswith(f":{peer.pid}")
    assert database.archive("status", "lost", "worker") == archived, "its late outcome changes nothing"

    fleet.ledger.wait_for("worker.declared_dead", pid=frozen.pid)
    fleet.ledger.wait_for("worker.liveness", pid=frozen.pid, count=2)
    peer.kill()
    database.put(NewJob("note", {"n": 1}))
    fleet.ledger.wait_for("ran", pid=frozen.pid)


def test_a_frozen_worker_tells_the_handlers_that_it_wakes_up_with(database: PrivateDatabase, fleet: Fleet) -> None:
    care: dict[str, Any] = {"heartbeat": 0.5, "lost_after": 2}
    frozen = fleet.start(database, **care)
    database.put(NewJob("listen", {"seconds": 60}))
    fleet.ledger.wait_for("began", pid=frozen.pid)
    frozen.freeze()
    peer = fleet.start(database, **care)
    fleet.ledger.wait_for("began", pid=peer.pid, lost=1)
    frozen.thaw()
    told = fleet.ledger.wait_for("told", pid=frozen.pid)

    assert "taken back" in told["why"]
    assert not fleet.ledger.entries("told", pid=peer.pid)
