"""
A connection that stays open and hears nothing more: a server process that hangs, a load balancer that
has forgotten us. It is noticed, said and over within seconds; nothing runs twice, and nobody is buried.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from proletarian import DatabaseUnavailable, NewJob, StopTimeout, Tasks, Worker, process_next_job
from proletarian.connections.database import Database
from proletarian.drivers.families import mysql, postgresql
from proletarian.worker import single
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.innocence import nobody_is_blamed, on_machines_of_their_own
from tests.faults.network import Proxy
from tests.waiting import wait_until
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder

SERVERS = ["postgresql", "mariadb", "mysql"]
CARE: dict[str, Any] = {"heartbeat": 2.0, "lost_after": 12.0}
OVER = 30.0  # seconds that such a fault may last

# The port from which each session comes that holds a witness of a worker's life.
PORTS = {
    "postgresql": "SELECT activity.client_port FROM proletarian.worker AS worker "
    "JOIN pg_locks AS held ON held.locktype = 'advisory' AND held.objsubid = 1 AND held.granted "
    "AND ((held.classid::bigint << 32) | held.objid::bigint) = worker.{} "
    "JOIN pg_stat_activity AS activity ON activity.pid = held.pid WHERE worker.queues = 'default=2'",
    "mysql": "SELECT SUBSTRING_INDEX(process.host, ':', -1) FROM proletarian_worker AS worker "
    "JOIN information_schema.processlist AS process ON process.id = IS_USED_LOCK(worker.{}) "
    "WHERE worker.queues = 'default=2'",
}
# What only the statement says that asks, over a second connection, whether a worker's lock is really held.
HELD = {"postgresql": b"pg_locks", "mysql": b"IS_USED_LOCK"}
WITNESS = {"pump": "pump_lock", "keeper": "liveness_lock"}


def port_of(database: PrivateDatabase, who: str) -> int:
    """The port from which the first worker's pump or keeper is connected, once it is."""
    found = wait_until(lambda: database.rows(PORTS[database.kind].format(WITNESS[who])), what=f"the {who}'s session")
    return int(found[0][0])


def tasks_with(ran: list[int], let_go: threading.Event) -> Tasks:
    """A quick task, and one that waits."""
    tasks = Tasks()

    @tasks.task
    def quick(n: int) -> None:
        ran.append(n)

    @tasks.task
    def waits() -> None:
        let_go.wait(60)

    return tasks


@pytest.fixture
def proxied(request: pytest.FixtureRequest, database_of: DatabaseOf) -> Iterator[tuple[PrivateDatabase, Proxy]]:
    """A database, and a proxy that stands before its server."""
    database = database_of(request.param)
    with Proxy(database.url) as proxy:
        yield database, proxy


@contextlib.contextmanager
def one_behind_a_proxy(
    database: PrivateDatabase, proxy: Proxy, log: Recorder, others: Recorder, ran: list[int]
) -> Iterator[threading.Event]:
    """Two workers of which one has all of its sessions through the proxy, and a job that it runs until the event."""
    let_go = threading.Event()
    with (
        Worker(proxy.url, tasks_with(ran, let_go), queues={"default": 2}, log=log, **CARE),
        Worker(database.url, tasks_with(ran, let_go), queues={"other": 1}, log=others, **CARE),
    ):
        try:
            database.put(NewJob("waits"))
            log.wait_for("job.started")
            yield let_go
        finally:
            let_go.set()


@pytest.mark.parametrize("who", ["pump", "keeper", "both"])
@pytest.mark.parametrize("proxied", SERVERS, indirect=True)
def test_a_session_that_hears_nothing_is_replaced(
    proxied: tuple[PrivateDatabase, Proxy], who: str, recorder: Recorder
) -> None:
    database, proxy = proxied
    ran: list[int] = []
    other = Recorder()
    with one_behind_a_proxy(database, proxy, recorder, other, ran) as let_go:
        victims = ("pump", "keeper") if who == "both" else (who,)
        proxy.freeze([port_of(database, victim) for victim in victims])
        frozen_at = time.monotonic()
        database.put(NewJob("quick", {"n": 1}))
        for count, _ in enumerate(victims, 1):
            recorder.wait_for("database.stuck", OVER, count=count)
        wait_until(lambda: ran == [1], OVER, what="the job behind the stuck session")
        print(f"{who}: over after {time.monotonic() - frozen_at:.1f} s")
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 2, OVER, what="both jobs in the archive")
        assert time.monotonic() - frozen_at < OVER
        wait_until(lambda: recorder.of("database.recovered") or who == "keeper", what="an end of the trouble")

    assert {data["who"] for data in recorder.of("database.stuck")} == set(victims)
    assert database.archive("status", "lost") == [("success", 0)] * 2
    assert recorder.of("worker.declared_dead") == other.of("jobs.recovered") == other.of("database.stuck") == []


@pytest.mark.parametrize("question", [b"migration", b"HELD"], ids=["its tables", "its lock"])
@pytest.mark.parametrize("proxied", ["postgresql", "mariadb"], indirect=True)  # what MySQL is told is encrypted
def test_a_worker_that_gets_no_answer_at_its_start_asks_again(
    proxied: tuple[PrivateDatabase, Proxy], question: bytes, recorder: Recorder
) -> None:
    database, proxy = proxied
    ran: list[int] = []
    proxy.freezing = HELD[database.kind] if question == b"HELD" else question
    with Worker(proxy.url, tasks_with(ran, threading.Event()), log=recorder):
        database.put(NewJob("quick", {"n": 1}))
        wait_until(lambda: ran == [1], OVER, what="the job")

    assert proxy.freezing is None, "one answer was lost"


@pytest.mark.parametrize("proxied", ["postgresql", "mariadb"], indirect=True)
def test_a_worker_that_gets_no_answer_at_its_start_stops_when_told(
    proxied: tuple[PrivateDatabase, Proxy], fleet: Fleet
) -> None:
    database, proxy = proxied
    proxy.freezing = b"migration"
    worker = fleet.start(replace(database, url=proxy.url), wait=False)
    wait_until(lambda: proxy.freezing is None, what="the question")
    worker.tell()

    assert worker.wait(OVER) == 0


@pytest.mark.parametrize("proxied", SERVERS, indirect=True)
def test_a_server_whose_machine_dies_and_comes_back_is_heard_again(
    proxied: tuple[PrivateDatabase, Proxy], recorder: Recorder
) -> None:
    """No packet says so. A peer on the other side of the cut sees all of it, and buries nobody."""
    database, proxy = proxied
    ran: list[int] = []
    other = Recorder()
    with one_behind_a_proxy(database, proxy, recorder, other, ran) as let_go:
        on_machines_of_their_own(database)
        proxy.lose_power()
        died_at = time.monotonic()
        recorder.wait_for("database.stuck", OVER)
        proxy.back()
        database.put(NewJob("quick", {"n": 1}))
        wait_until(lambda: ran == [1], OVER, what="the job after the return")
        print(f"over after {time.monotonic() - died_at:.1f} s")
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 2, OVER)
        assert time.monotonic() - died_at < OVER

    nobody_is_blamed(database, recorder, other)


@pytest.mark.parametrize("ends", ["hears nothing", "dies"])
@pytest.mark.parametrize("proxied", ["mariadb"], indirect=True)  # what MySQL is told is encrypted
def test_what_is_locked_by_a_session_out_of_reach_is_freed(
    proxied: tuple[PrivateDatabase, Proxy], ends: str, fleet: Fleet
) -> None:
    """
    In the middle of an acknowledgement: the server keeps that transaction for eight hours.

    Its worker lives, and has connected again; or it is dead, and its machine's last packet says nothing of it.
    """
    database, proxy = proxied
    care: dict[str, Any] = {"heartbeat": 0.5, "lost_after": 3.0}
    fleet.start(database, queues={"other": 1, "default": 1} if ends == "dies" else {"other": 1}, **care)
    beyond = fleet.start(replace(database, url=proxy.url), queues={"default": 2}, **care)
    fleet.look_around()
    proxy.freezing = b"INSERT INTO proletarian_archived_job"
    database.put(*[NewJob("sleep", {"seconds": 0.5})] * 3)
    wait_until(lambda: proxy.freezing is None, what="an acknowledgement")
    frozen_at = time.monotonic()
    if ends == "dies":
        proxy.lose_power()
        beyond.kill()
    wait_until(lambda: database.count("archived_job") == 3, OVER, what="all jobs in the archive")

    print(f"over after {time.monotonic() - frozen_at:.1f} s")
    if ends == "dies":
        assert {status for (status,) in database.archive("status")} == {"success"}
    else:
        nobody_is_blamed(database, fleet.ledger)


@pytest.mark.parametrize("proxied", SERVERS, indirect=True)
def test_a_stop_ends_and_gives_back_though_all_sessions_hear_nothing(
    proxied: tuple[PrivateDatabase, Proxy], recorder: Recorder
) -> None:
    database, proxy = proxied
    let_go = threading.Event()
    worker = Worker(proxy.url, tasks_with([], let_go), queues={"default": 2}, log=recorder, stop_timeout=1)
    worker.start()
    try:
        database.put(NewJob("waits"))
        recorder.wait_for("job.started")
        proxy.freeze()
        started = time.monotonic()
        with pytest.raises(StopTimeout):
            worker.stop()
        took = time.monotonic() - started
    finally:
        let_go.set()

    print(f"stopped after {took:.1f} s")
    assert took < 1 + 20
    assert "pump" in {stuck["who"] for stuck in recorder.of("database.stuck")}, "the server is not said to have hung up"
    assert (database.count("running_job"), database.count("job")) == (0, 1), "given back over a new connection"


@pytest.mark.parametrize("proxied", SERVERS, indirect=True)
def test_a_single_job_whose_outcome_is_not_answered_for_ends_in_an_error(
    proxied: tuple[PrivateDatabase, Proxy], recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single, "ANSWER", 3.0)
    database, proxy = proxied
    database.put(NewJob("quick"))

    with pytest.raises(DatabaseUnavailable, match="does not answer any more"):
        process_next_job(proxy.url, lambda job: proxy.freeze(), log=recorder)
    with Worker(database.url, lambda job: None, log=recorder):
        wait_until(lambda: database.archive() == [("quick", "success")], OVER, what="another worker to take it back")


def test_a_single_job_does_not_wait_for_a_database_that_is_away(recorder: Recorder) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
        process_next_job(f"postgresql://test:test@127.0.0.1:{port}/test", lambda job: None, log=recorder)


@pytest.mark.parametrize("scheme", ["postgresql", "mysql"])
def test_a_server_that_takes_us_in_and_says_nothing_holds_up_nobody(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for driver in (postgresql, mysql):
        monkeypatch.setattr(driver, "FIRST_ANSWERS", 2.0)
    monkeypatch.setitem(postgresql.DEFAULTS, "connect_timeout", "2")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"{scheme}://test:test@127.0.0.1:{server.getsockname()[1]}/test"
        started = time.monotonic()
        with pytest.raises(DatabaseUnavailable, match="cannot be reached"):
            Database(url).connect()

    assert time.monotonic() - started < OVER
