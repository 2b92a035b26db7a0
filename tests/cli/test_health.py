"""Probes: a worker says whether it lives and is ready, and tells a slow database from a process that hangs."""

from __future__ import annotations

import json
import signal
import threading
import time
from typing import Any

import pytest

from proletarian import Job, NewJob, Worker
from proletarian.worker import guard
from servers.port import unused_port
from tests.cli.terminal import Terminal
from tests.databases import PrivateDatabase, new_server
from tests.waiting import wait_until
from tests.worker.recorder import Recorder


def test_a_probe_asks_a_worker_that_answers(shell: Terminal, database: PrivateDatabase) -> None:
    shell.environment["PROLETARIAN_DATABASE"] = database.url
    shell.environment["PROLETARIAN_HEALTH"] = f"127.0.0.1:{unused_port()}"
    assert shell.run("proletarian health").code == 1, "nobody is there yet"
    worker = shell.start("proletarian worker shop.jobs")
    worker.wait_for("worker.started")

    wait_until(lambda: shell.run("proletarian health --ready").code == 0, what="ready")
    ready = shell.run("proletarian health --ready")
    live = shell.run("proletarian health")
    worker.send(signal.SIGTERM)
    worker.ends()

    assert live.code == 0
    seen: dict[str, Any] = json.loads(ready.out)
    assert (seen["live"], seen["ready"], set(seen["parts"])) == (True, True, {"pump", "keeper"})
    gone = shell.run("proletarian health")
    assert gone.code == 1
    assert "nobody answers" in gone.err


@pytest.mark.parametrize("address", ["8081x", "127.0.0.1:", "0"])
def test_a_place_that_is_none(shell: Terminal, address: str) -> None:
    said = shell.run(f"proletarian health {address}")

    assert said.code == 2
    assert "HOST:PORT" in said.err


def test_a_database_that_is_away_makes_it_unready_not_dead(recorder: Recorder) -> None:
    with new_server("postgresql") as server:
        database = PrivateDatabase("postgresql", server.url)
        database.migrate()
        with Worker(server.url, lambda job: None, log=recorder) as worker:
            wait_until(lambda: worker.health is not None and worker.health.is_ready, what="ready")
            server.kill()
            recorder.wait_for("database.unavailable")
            wait_until(lambda: worker.health is not None and not worker.health.is_ready, what="not ready")
            away = worker.health
            server.start()
            wait_until(lambda: worker.health is not None and worker.health.is_ready, what="ready again")

    assert away is not None
    assert away.is_live
    assert "cannot reach the database; it tries again" in away.parts.values()
    assert worker.health is None, "it is stopped"


def test_a_worker_that_hangs_is_not_live(sqlite: PrivateDatabase) -> None:
    hang, go_on = threading.Event(), threading.Event()

    def log(event: str, data: dict[str, Any]) -> None:
        if event == "job.succeeded":
            hang.set()
            go_on.wait(60)

    sqlite.put(NewJob("greet"))
    worker = Worker(sqlite.url, lambda job: None, log=log, heartbeat=1, lost_after=2)
    worker.start()
    try:
        assert hang.wait(60)
        wait_until(lambda: worker.health is not None and not worker.health.is_live, what="not live")
        seen = worker.health
    finally:
        go_on.set()
        worker.stop()

    assert seen is not None
    assert not seen.is_ready
    assert "hangs" in seen.parts["process"]


def test_a_job_that_runs_for_long_says_nothing_against_it(sqlite: PrivateDatabase) -> None:
    began, finish = threading.Event(), threading.Event()

    def handle(job: Job) -> None:
        began.set()
        finish.wait(60)

    sqlite.put(NewJob("long"))
    with Worker(sqlite.url, handle) as worker:
        assert began.wait(60)
        time.sleep(guard.TICK * 4)  # longer than what counts as a move
        seen = worker.health
        finish.set()

    assert seen is not None
    assert seen.is_live
    assert seen.is_ready
