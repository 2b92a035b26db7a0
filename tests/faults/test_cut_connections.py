"""
The server ends the session that proves a worker's life: the worker takes its lock again, and is not robbed.

Though connecting takes long, or handlers leave the worker little time. And who has really died is found all the same.
"""

from __future__ import annotations

import contextlib
import socket
import time
from typing import Any

import pytest

from proletarian import NewJob, Worker
from proletarian.connections.database import Database
from proletarian.drivers.driver import OwnConnection
from proletarian.worker.keeping.watch import GRACE
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.innocence import nobody_is_blamed, on_machines_of_their_own
from tests.faults.network import Proxy
from tests.faults.sessions import holders, kill, kill_all
from tests.faults.test_locks import slow_tasks
from tests.waiting import wait_until
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder

SERVERS = ["postgresql", "mariadb", "mysql"]
SLOWLY = 1.5  # seconds that a new connection takes: TLS, a far region, a busy machine


@pytest.mark.parametrize("product", SERVERS)
def test_a_worker_whose_session_is_killed_takes_its_lock_again(
    product: str, request: pytest.FixtureRequest, recorder: Recorder
) -> None:
    database: PrivateDatabase = request.getfixturevalue(product)
    tasks, let_go = slow_tasks()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Worker(database.url, tasks, log=recorder))
        stack.callback(let_go.set)
        database.put(NewJob("slow"))
        recorder.wait_for("job.started")
        before = holders(database)
        for session in before.values():
            kill(database, session)
        wait_until(lambda: holders(database).keys() == before.keys(), what="the locks of both workers")
        after = holders(database)
        time.sleep(GRACE + 0.5)  # time to be declared dead in, if anybody still saw the lock free
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 1, what="the slow job in the archive")

    assert len(before) == 2
    assert set(after.values()).isdisjoint(before.values())
    assert recorder.of("worker.declared_dead") == []
    assert database.archive("job_type", "status", "lost") == [("slow", "success", 0)]


@pytest.mark.parametrize("product", SERVERS)
def test_a_lock_whose_session_is_killed_while_it_is_checked_is_not_given_up(
    product: str, request: pytest.FixtureRequest, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise the worker would be judged by its heartbeat alone, for as long as it lives."""
    database: PrivateDatabase = request.getfixturevalue(product)
    connect, opened = Database.connect, []

    def and_kill(where: Database) -> OwnConnection:
        opened.append(where)
        if len(opened) == 3:  # after the first look and the keeper's own: the one that checks the keeper's lock
            kill_all(database)
        return connect(where)

    monkeypatch.setattr(Database, "connect", and_kill)
    with Worker(database.url, slow_tasks()[0], log=recorder):
        recorder.wait_for("worker.liveness")

    assert [said["proved_by"] for said in recorder.of("worker.liveness")] == ["lock"]
    assert recorder.of("database.unavailable")


@pytest.mark.parametrize("product", SERVERS)
def test_a_worker_that_takes_long_to_connect_again_is_not_taken_for_dead(
    product: str, database_of: DatabaseOf, recorder: Recorder
) -> None:
    database = database_of(product)
    tasks, let_go = slow_tasks()
    with Proxy(database.url) as proxy, contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Worker(proxy.url, tasks, log=recorder, queues={"default": 1}))
        stack.callback(let_go.set)
        database.put(*[NewJob("slow")] * 2)
        recorder.wait_for("job.started", count=2)
        on_machines_of_their_own(database)
        wait_until(lambda: len(holders(database, "pump_lock")) == 2, what="both pumps' locks")
        [one, other] = holders(database)
        proxy.delay = SLOWLY
        kill(database, holders(database)[one])
        kill(database, holders(database, "pump_lock")[other])
        time.sleep(SLOWLY + GRACE + 0.5)  # time to be declared dead in
        wait_until(lambda: len(holders(database)) == len(holders(database, "pump_lock")) == 2, what="all locks")
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 2)

    nobody_is_blamed(database, recorder)


@pytest.mark.parametrize("product", SERVERS)
def test_a_worker_whose_handlers_compute_is_not_taken_for_dead(
    product: str, database_of: DatabaseOf, fleet: Fleet
) -> None:
    """Its keeper needs the interpreter some hundred times to connect again."""
    database = database_of(product)
    busy = fleet.start(database, queues={"default": 4})
    fleet.start(database, queues={"other": 1})
    fleet.look_around()
    on_machines_of_their_own(database)
    database.put(*[NewJob("compute", {"seconds": 6.0})] * 4)
    fleet.ledger.wait_for("began", count=4)
    [busy_id] = {row[0] for row in database.rows(f"SELECT worker_id FROM {database.table('running_job')}")}
    kill(database, holders(database)[busy_id])
    wait_until(lambda: database.count("archived_job") == 4, 60)

    assert busy.process.poll() is None
    nobody_is_blamed(database, fleet.ledger)


@pytest.mark.parametrize("product", SERVERS)
def test_a_death_is_found_though_all_sessions_are_cut_again_and_again(
    product: str, database_of: DatabaseOf, fleet: Fleet
) -> None:
    """More often than it takes to be sure: what was seen adds up."""
    database = database_of(product)
    care: dict[str, Any] = {"queues": {"default": 2}, "heartbeat": 1.0, "lost_after": 5.0}
    victim = fleet.start(database, **care)
    database.put(*[NewJob("sleep", {"seconds": 60})] * 2)
    fleet.ledger.wait_for("began", count=2)
    others = [fleet.start(database, **care) for _ in range(2)]
    fleet.look_around()
    on_machines_of_their_own(database)
    died_at = victim.kill()
    while not fleet.ledger.entries("began", lost=1) and time.time() < died_at + 30:
        time.sleep(GRACE * 0.8)
        kill_all(database)
    again = fleet.ledger.wait_for("began", lost=1, count=2)

    print(f"{product}: found after {again.at - died_at:.1f} s")
    assert again.at - died_at < 30
    assert [other.process.poll() for other in others] == [None, None]
    nobody_is_blamed(database, fleet.ledger, but=["jobs.recovered"])
    assert {entry["from"] for entry in fleet.ledger.entries("jobs.recovered")} == {
        f"{socket.gethostname()}:{victim.pid}"
    }
