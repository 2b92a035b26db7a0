"""Whoever runs on the same machine sees a worker's process itself, and is fooled by no other one."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import NewJob
from proletarian.sql.rows import Peer
from proletarian.worker.keeping.processes import process_here, process_of
from proletarian.worker.keeping.watch import Process
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

pytestmark = pytest.mark.skipif(not Path("/proc/self/ns/pid").exists(), reason="NO /proc HERE: only Linux shows this")

PROGRAM = """
import socket, sys
from proletarian.worker.keeping.processes import process_here
print(socket.gethostname(), process_here(), flush=True)
sys.stdin.read()
"""


class Other:
    """Another process, which says which one it is."""

    def __init__(self, *before: str) -> None:
        self.process = subprocess.Popen(
            [*before, sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.host, self.name = self.process.stdout.readline().split()

    def seen(self) -> Process:
        """What can be seen of it."""
        return process_of(peer(self.name, host=self.host))

    def end(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def other() -> Iterator[Other]:
    """Another process, in the same name spaces."""
    other = Other()
    yield other
    other.end()


def peer(process: str | None, host: str | None = None) -> Peer:
    """The row of a worker that is this process."""
    return Peer("ann", host or socket.gethostname(), 1, "12:00", 0.0, 60.0, (), (), process)


def test_one_that_runs_is_there(other: Other) -> None:
    assert other.seen() is Process.THERE
    assert process_of(peer(process_here())) is Process.THERE


def test_one_that_is_stopped_stands_still(other: Other) -> None:
    other.process.send_signal(signal.SIGSTOP)
    wait_until(lambda: other.seen() is Process.FROZEN)
    other.process.send_signal(signal.SIGCONT)
    wait_until(lambda: other.seen() is Process.THERE)


def test_one_that_has_ended_is_gone_though_nobody_has_asked_how_yet(other: Other) -> None:
    other.process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, other.process.pid, os.WEXITED | os.WNOWAIT)

    assert Path(f"/proc/{other.process.pid}/stat").read_text().split()[2] == "Z"
    assert other.seen() is Process.GONE
    other.process.wait()
    assert other.seen() is Process.GONE


def test_another_one_of_the_same_number_is_another_one(other: Other) -> None:
    where, number, start = other.name.rsplit("/", 2)

    assert process_of(peer(f"{where}/{number}/{int(start) - 1}")) is Process.GONE


def test_one_that_belongs_to_somebody_else_is_there() -> None:
    init = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]
    name = str(process_here()).rsplit("/", 2)[0]

    assert process_of(peer(f"{name}/1/{init}")) in (Process.THERE, Process.FROZEN)


def test_a_restart_of_the_machine_is_another_one(other: Other) -> None:
    boot, rest = other.name.split(":", 1)

    assert process_of(peer(f"{boot[::-1]}:{rest}")) is Process.ELSEWHERE


@pytest.mark.parametrize("process", [None, "here"])
def test_what_cannot_be_known_is_not_guessed(process: str | None) -> None:
    known = process_here() if process else None

    assert process_of(peer(known, host="elsewhere")) is Process.ELSEWHERE
    assert process_of(peer(None)) is Process.ELSEWHERE


def test_a_container_of_the_same_host_name_is_not_mistaken_for_us() -> None:
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("NO NAME SPACE CAN BE MADE HERE: that needs root and unshare")
    there = Other("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
    try:
        assert there.host == socket.gethostname()
        assert there.name.rsplit("/", 2)[1] == "1", "its number in there"
        assert there.seen() is Process.ELSEWHERE
    finally:
        there.end()
    assert there.seen() is Process.ELSEWHERE


def test_one_that_cannot_see_itself_says_nothing() -> None:
    """In a name space of its own, with the `/proc` of ours."""
    if os.geteuid() != 0 or not shutil.which("unshare"):
        pytest.skip("NO NAME SPACE CAN BE MADE HERE: that needs root and unshare")
    there = Other("unshare", "--pid", "--fork", "--kill-child")
    there.end()

    assert there.name == "None"


def test_a_lone_worker_knows_at_once_that_the_one_before_it_is_dead(database: PrivateDatabase, fleet: Fleet) -> None:
    database.put(NewJob("deadly"))
    first = fleet.start(database, wait=False, queues={"default": 1})
    first.wait()
    fleet.start(database, queues={"default": 1})
    again = fleet.ledger.wait_for("began", lost=1)
    started = fleet.ledger.entries("worker.started")[-1]

    assert again.at - started.at < 2.0


def test_one_without_locks_is_missed_at_once_too(database: PrivateDatabase, fleet: Fleet) -> None:
    """Behind a pooler, say."""
    dying = fleet.start(database, queues={"default": 1})
    database.put(NewJob("sleep", {"seconds": 60}))
    fleet.ledger.wait_for("began")
    database.rows(f"UPDATE {database.table('worker')} SET liveness_lock = NULL, pump_lock = NULL")
    dying.kill()
    fleet.start(database, queues={"default": 1})
    again = fleet.ledger.wait_for("began", lost=1)
    started = fleet.ledger.entries("worker.started")[-1]

    assert again.at - started.at < 2.0
