"""
A worker whose network is cut: dead when its heartbeat is overdue, not before; and what it says later does not count.

The server keeps the session of a machine that has vanished, and with it the worker's lock,
for hours. So only the heartbeat can tell.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from proletarian import NewJob
from servers import Server
from tests.conftest import server_url
from tests.databases import PrivateDatabase, new_server
from tests.faults.network import Cable
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

HEARTBEAT, LOST_AFTER = 0.5, 4.0
MOMENT = 1.0  # of a cut that nobody should mind
CARE: dict[str, Any] = {"queues": {"default": 1}, "heartbeat": HEARTBEAT, "lost_after": LOST_AFTER}
OPEN = {"postgresql": {"listen_addresses": "*"}, "mariadb": {"bind-address": "0.0.0.0"}}


@pytest.fixture
def cable() -> Iterator[Cable]:
    """A cable to another machine."""
    if lacking := Cable.lacking():
        pytest.skip(f"NO NETWORK CAN BE CUT HERE: {lacking}")
    with Cable() as cable:
        yield cable


@pytest.fixture(scope="module", params=OPEN)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server that listens beyond this machine too."""
    server_url(request.param)  # skips where there is none
    with new_server(request.param, **OPEN[request.param]) as server:
        if request.param == "postgresql":
            with (server.data / "pg_hba.conf").open("a") as rules:
                rules.write("host all all 198.18.0.0/15 scram-sha-256\n")
            server.query("SELECT pg_reload_conf()")
        else:
            server.query("CREATE USER test@'198.%' IDENTIFIED BY 'test'; GRANT ALL ON *.* TO test@'198.%'")
        yield server


@pytest.fixture
def database(server: Server) -> PrivateDatabase:
    """Empty tables on it."""
    product = "postgresql" if server.scheme == "postgresql" else "mariadb"
    database = PrivateDatabase(product, server.url)
    database.migrate()
    database.empty()
    return database


@pytest.fixture
def near(tmp_path: Path) -> Iterator[Fleet]:
    """Workers on this machine."""
    yield from until_the_end(Fleet(tmp_path))


@pytest.fixture
def cut_off(tmp_path: Path, database: PrivateDatabase, cable: Cable) -> Iterator[Fleet]:
    """A worker beyond the cable."""
    parts = urlsplit(database.url)
    beyond = replace(database, url=parts._replace(netloc=f"test:test@{cable.address}:{parts.port}").geturl())
    (tmp_path / "far").mkdir()
    far = Fleet(tmp_path / "far", "tests.faults.outpost", forked=False)
    far.start(beyond, namespace=cable.namespace, **CARE)
    yield from until_the_end(far)


def until_the_end(fleet: Fleet) -> Iterator[Fleet]:
    """Give it to a test, and end all of its workers afterwards."""
    try:
        yield fleet
    finally:
        fleet.end()


def test_a_cut_that_is_shorter_than_the_limit_costs_nobody_anything(
    database: PrivateDatabase, cable: Cable, cut_off: Fleet, near: Fleet
) -> None:
    database.put(NewJob("sleep", {"seconds": LOST_AFTER}))
    cut_off.ledger.wait_for("began")
    assert cut_off.ledger.wait_for("worker.liveness")["proved_by"] == "lock"
    near.start(database, **CARE)
    near.look_around()
    cable.cut()
    time.sleep(MOMENT)  # so long is the cut
    cable.mend()
    wait_until(lambda: database.count("archived_job") == 1, 60, what="the outcome that was held up")

    assert database.archive("status", "lost") == [("success", 0)]
    assert near.ledger.entries("jobs.recovered") == cut_off.ledger.entries("worker.declared_dead") == []


def test_a_worker_that_is_cut_off_is_dead_after_the_limit_and_its_late_outcome_is_refused(
    database: PrivateDatabase, cable: Cable, cut_off: Fleet, near: Fleet
) -> None:
    database.put(NewJob("sleep", {"seconds": 1.0}))
    cut_off.ledger.wait_for("began")
    cut_at = time.time()
    cable.cut()
    peer = near.start(database, **CARE)
    again = near.ledger.wait_for("began", 60, lost=1)
    wait_until(lambda: database.count("archived_job") == 1, 60, what="the peer's outcome")
    cut_off.ledger.wait_for("ended", 60)
    archived = database.archive("status", "lost", "worker")
    cable.mend()
    cut_off.ledger.wait_for("job.lease_lost", 60)
    cut_off.ledger.wait_for("worker.declared_dead", 60)

    [(status, lost, worker)] = archived
    print(f"taken back {again.at - cut_at:.1f} s after the cut")
    assert again.at - cut_at >= LOST_AFTER - HEARTBEAT, "not before"
    assert (status, lost) == ("success", 1)
    assert worker.endswith(f":{peer.pid}")
    assert database.archive("status", "lost", "worker") == archived, "its late outcome changes nothing"

    cut_off.ledger.wait_for("worker.liveness", 60, count=2)
    peer.kill()
    database.put(NewJob("note", {"n": 1}))
    cut_off.ledger.wait_for("ran", 60)
