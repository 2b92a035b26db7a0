"""SIGTERM and SIGINT: running jobs end in time or are given back, and nothing is lost."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import NewJob
from tests.databases import PrivateDatabase
from tests.worker.fleet import Fleet
from tests.worker.program import GAVE_BACK

LONG = 60.0


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Workers with an interpreter of their own: its end is what these tests see."""
    fleet = Fleet(tmp_path, forked=False)
    try:
        yield fleet
    finally:
        fleet.end()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_an_idle_worker_ends_at_once(database: PrivateDatabase, fleet: Fleet, number: signal.Signals) -> None:
    worker = fleet.start(database)
    started = time.monotonic()
    worker.tell(number)

    assert worker.wait() == 0
    assert time.monotonic() - started < 5
    assert database.count("worker") == 0


def test_a_short_job_is_finished(database: PrivateDatabase, fleet: Fleet) -> None:
    worker = fleet.start(database)
    database.put(NewJob("sleep", {"seconds": 1}))
    fleet.ledger.wait_for("began")
    worker.tell()

    assert worker.wait() == 0
    assert fleet.ledger.wait_for("ended")["told"] is True
    assert database.archive() == [("sleep", "success")]


def test_a_job_that_listens_ends_early_and_is_given_back(database: PrivateDatabase, fleet: Fleet) -> None:
    worker = fleet.start(database)
    database.put(NewJob("listen", {"seconds": LONG}))
    fleet.ledger.wait_for("began")
    worker.tell()

    assert worker.wait() == 0
    assert "stops" in fleet.ledger.wait_for("told")["why"]
    assert database.rows(f"SELECT attempts, lost, errors FROM {database.table('job')}") == [(0, 0, None)]


def test_a_coroutine_is_cancelled_at_the_end_of_the_time(database: PrivateDatabase, fleet: Fleet) -> None:
    worker = fleet.start(database, stop_timeout=0.5)
    database.put(NewJob("asleep", {"seconds": LONG}), NewJob("asleep", {"seconds": 0.3}))
    fleet.ledger.wait_for("began", count=2)
    worker.tell()

    assert worker.wait() == 0, "it ended when it was cancelled: nothing had to be taken from it"
    fleet.ledger.wait_for("cancelled")
    assert database.archive() == [("asleep", "success")]
    assert database.rows(f"SELECT attempts, lost, errors FROM {database.table('job')}") == [(0, 0, None)]


@pytest.mark.parametrize("job_type", ["sleep", "deaf"])
def test_a_stubborn_job_is_given_back_after_the_time(database: PrivateDatabase, fleet: Fleet, job_type: str) -> None:
    worker = fleet.start(database, stop_timeout=0.5)
    database.put(NewJob(job_type, {"seconds": LONG}))
    fleet.ledger.wait_for("began")
    started = time.monotonic()
    worker.tell()

    assert worker.wait() == GAVE_BACK
    assert time.monotonic() - started < 10
    assert f"1 job was still running after 0.5 s and went back to the queue: {job_type}" in worker.said()
    assert database.rows(f"SELECT attempts, lost FROM {database.table('job')}") == [(0, 0)]
    assert database.count("running_job") == database.count("worker") == 0


def test_a_second_signal_ends_the_wait_and_still_gives_back(database: PrivateDatabase, fleet: Fleet) -> None:
    worker = fleet.start(database, stop_timeout=LONG)
    database.put(NewJob("sleep", {"seconds": LONG}))
    fleet.ledger.wait_for("began")
    worker.tell()
    fleet.ledger.wait_for("worker.stopping")
    started = time.monotonic()
    worker.tell()

    assert worker.wait() == GAVE_BACK
    assert time.monotonic() - started < 5
    said = re.search(
        r"still running after (\d+\.\d) s \(a second signal ended the 60 s\) and went back to the queue", worker.said()
    )
    assert said is not None, worker.said()
    assert float(said[1]) < 10
    assert database.rows(f"SELECT attempts, lost FROM {database.table('job')}") == [(0, 0)]


def test_a_peer_takes_what_is_given_back_at_once(database: PrivateDatabase, fleet: Fleet) -> None:
    worker = fleet.start(database, stop_timeout=0.2)
    database.put(NewJob("sleep", {"seconds": LONG}))
    fleet.ledger.wait_for("began", pid=worker.pid)
    peer = fleet.start(database)
    worker.tell()
    worker.wait()
    gone = time.time()
    again = fleet.ledger.wait_for("began", pid=peer.pid)

    assert again.at - gone < 2
    assert (again["lost"], again["attempts"]) == (0, 1)


def test_a_signal_may_come_at_any_step_of_the_main_thread(tmp_path: Path) -> None:
    program = f"""
import signal, sys, threading
from proletarian import Queue, Worker, migrate

def signal_in_the_middle_of_a_wait(frame, event, arg):
    if frame.f_code is threading.Event.wait.__code__ and frame.f_locals["self"]._cond._lock.locked():
        signal.raise_signal(signal.SIGTERM)
    return signal_in_the_middle_of_a_wait

def log(event, data):
    print(event)
    if event == "worker.started":
        sys.settrace(signal_in_the_middle_of_a_wait)

migrate("sqlite:///{tmp_path}/jobs.db")
Worker("sqlite:///{tmp_path}/jobs.db", print, log=log).run()
"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)

    assert (said.returncode, said.stdout.split()[-1]) == (0, "worker.stopped"), said.stderr


def test_as_process_1_of_a_container(sqlite: PrivateDatabase, fleet: Fleet) -> None:
    """The kernel ignores signals to a process 1 that has no handler for them."""
    own_processes = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child", "--mount-proc"]
    tried = subprocess.run([*own_processes, "true"], capture_output=True, text=True, check=False)
    if tried.returncode != 0:
        pytest.skip(f"NO PROCESS 1 CAN BE MADE HERE: {tried.stderr.strip()}")
    program = [sys.executable, "-m", "tests.worker.program", sqlite.url, str(fleet.ledger.path), "{}"]
    with subprocess.Popen([*own_processes, *program]) as outside:
        fleet.ledger.wait_for("worker.started", pid=1)
        [inside] = Path(f"/proc/{outside.pid}/task/{outside.pid}/children").read_text().split()
        os.kill(int(inside), signal.SIGTERM)

        assert outside.wait(60) == 0
    assert fleet.ledger.entries("worker.stopped", pid=1)
    assert sqlite.count("worker") == 0
