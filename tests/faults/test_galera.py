"""A Galera cluster of three nodes: one is cut off and one killed under load, with workers on each."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from servers import Galera, MariaDB, Unavailable
from tests.databases import MORE, PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 3.0}
ENOUGH = 20  # jobs that come to their end before each fault


def test_the_books_balance_after_a_node_was_cut_off_and_another_killed(crew: Fleet) -> None:
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Galera(settings={**MariaDB.UNSYNCED, **MORE["mariadb"]}))
        except Unavailable as error:
            pytest.skip(f"Galera cannot be had here: {error}")
        databases = [PrivateDatabase("mariadb", url) for url in cluster.urls]
        here, cut_off, _ = databases
        here.migrate()
        books = Books(here).open()
        workers = [crew.start(database, **CARE) for database in databases]
        with books.load():

            def go_on() -> None:
                before = here.count("archived_job")
                wait_until(lambda: here.count("archived_job") >= before + ENOUGH, 60)

            go_on()
            cluster.nodes[1].cut()
            crew.ledger.wait_for("database.unavailable", 60, pid=workers[1].pid)
            go_on()
            cluster.nodes[1].mend()
            crew.ledger.wait_for("database.recovered", 60, pid=workers[1].pid)
            cluster.nodes[2].kill()
            crew.ledger.wait_for("database.unavailable", 60, pid=workers[2].pid)
            go_on()
        wait_until(lambda: books.done, 60, what="the end of all jobs")
        books.balance(losses=True)

        assert {entry["proved_by"] for entry in crew.ledger.entries("worker.liveness")} == {"heartbeat"}
        assert cut_off.archive("job_id", "status") == here.archive("job_id", "status")
        assert workers[2].process.poll() is None, "it goes on trying: its node may come back"
        for worker in workers[:2]:
            worker.tell()
            assert worker.wait() == 0
