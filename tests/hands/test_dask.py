"""Handlers on a Dask cluster of two processes, one of which is killed."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from proletarian import Executor, Worker
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.hands.test_processes import results_of
from tests.ledger import Ledger
from tests.waiting import wait_until
from tests.worker.recorder import Recorder

# What Dask and Tornado warn of in their own code is theirs.
pytestmark = pytest.mark.filterwarnings("default")


@pytest.fixture
def client() -> Iterator[Any]:
    """A client of a cluster of two workers, each a process with one thread."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError:
        reason = "NOT TESTED: Dask is not installed; it is in the dependency group test"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    cluster = distributed.LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None)
    with cluster, distributed.Client(cluster) as client:
        yield client


def test_jobs_outlive_a_worker_of_the_cluster(
    sqlite: PrivateDatabase, recorder: Recorder, ledger: Ledger, client: Any
) -> None:
    sqlite.put(*(shop.deaf.job(ledger=str(ledger.path), seconds=1.0) for _ in range(4)), shop.where.job())
    queues = {"default": Executor(client.get_executor(), slots=100)}
    with Worker(sqlite.url, shop.tasks, queues=queues, log=recorder):
        pids = {ledger.wait_for("began", 40, count=n).pid for n in (1, 2)}
        os.kill(max(pids), signal.SIGKILL)
        wait_until(lambda: sqlite.count("archived_job") == 5, 60, what=f"the end of all jobs; {recorder.events}")

    assert {status for (_, status) in sqlite.archive()} == {"success"}
    assert results_of(sqlite)[-1]["pid"] not in (os.getpid(), max(pids))
    assert len(ledger.entries("began")) > len(ledger.entries("ended")) == 4, "Dask has run the killed one again"
