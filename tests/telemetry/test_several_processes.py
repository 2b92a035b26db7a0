"""Metrics of several worker processes, summed up by one that Prometheus scrapes."""

from __future__ import annotations

import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian import NewJob
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase
from tests.waiting import wait_until

JOBS = """
import time

from proletarian import Processes, Tasks
from proletarian.contrib.prometheus import counted
from proletarian.events import to_logging

tasks = Tasks(log=counted(to_logging))


@tasks.task
def greet() -> None:
    time.sleep(0.02)


@tasks.task(process=True)
def apart() -> None: ...
"""
METRICS = """
import os
import signal
import threading

from prometheus_client import CollectorRegistry, multiprocess, start_http_server
from proletarian.contrib.prometheus import FleetCollector

registry = CollectorRegistry()
multiprocess.MultiProcessCollector(registry)
registry.register(FleetCollector(os.environ["PROLETARIAN_DATABASE"]))
start_http_server(int(os.environ["PORT"]), "127.0.0.1", registry=registry)
print("serving", flush=True)
threading.Event().wait()
"""


@pytest.fixture
def shell(tmp_path: Path, sqlite: PrivateDatabase) -> Iterator[Terminal]:
    """A terminal with the jobs of a shop, a program that serves metrics, and a folder for those."""
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "shop.py").write_text(JOBS)
    (folder / "metrics.py").write_text(METRICS)
    (tmp_path / "metrics").mkdir()
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = str(probe.getsockname()[1])
    environment = {
        "PROLETARIAN_DATABASE": sqlite.url, "PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "metrics"), "PORT": port,
    }  # fmt: skip
    with terminal(folder, tmp_path, **environment) as opened:
        yield opened


def scraped(shell: Terminal) -> dict[str, float]:
    """
    What Prometheus would read; nothing where it would come again.

    prometheus_client answers with 500 if it is asked between the two steps in which a process that starts makes its
    file: the file is empty then.
    """
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{shell.environment['PORT']}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
    except urllib.error.HTTPError as error:
        if error.code == 500:
            return {}
        raise
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


def test_two_workers_and_their_child_process_are_one_sum(
    shell: Terminal, sqlite: PrivateDatabase, tmp_path: Path
) -> None:
    sqlite.put(*[NewJob("greet")] * 40, NewJob("apart"))
    serving = shell.start("python metrics.py")
    worker = shell.start("proletarian worker shop --queue default=1 --processes 2")
    serving.wait_for("serving")
    greeted = 'proletarian_jobs_finished_total{job="greet",outcome="succeeded",queue="default"}'
    wait_until(lambda: scraped(shell).get(greeted) == 40 and sqlite.count("job") == 0, what="all jobs counted")
    wait_until(lambda: sqlite.count("running_job") == 0, what="the last one")
    alive = 'proletarian_workers{state="alive"}'
    wait_until(lambda: scraped(shell).get(alive) == 2, what="a look at the fleet: the last one may be a second old")
    found = scraped(shell)
    worker.send(signal.SIGTERM)

    assert worker.ends() == 0
    assert found['proletarian_jobs_finished_total{job="apart",outcome="succeeded",queue="default"}'] == 1
    assert found['proletarian_job_duration_seconds_count{job="greet",queue="default"}'] == 40
    assert found['proletarian_job_wait_seconds_count{queue="default"}'] == 41
    assert [value for name, value in found.items() if name.startswith("proletarian_build_info")] == [1]
    assert not any("pid=" in name for name in found)
    finished = [path for path in (tmp_path / "metrics").glob("counter_*.db") if b"greet" in path.read_bytes()]
    assert len(finished) == 2, "both have run some of the jobs"
    assert scraped(shell)[greeted] == 40, "what ended processes have counted stays"
    assert re.search(r"process.started .*number=2", worker.text)
