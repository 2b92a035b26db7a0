"""Behind PgBouncer in transaction mode: no lock, no notification, and the books balance all the same."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

import pytest

from servers import PgBouncer, Unavailable
from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 3.0}
MORE = 20  # jobs that come to their end before each fault


@pytest.mark.parametrize("version", PgBouncer.versions)
def test_the_books_balance_behind_a_pooler_that_is_restarted_and_workers_that_are_killed(
    version: str, postgresql: PrivateDatabase, crew: Fleet
) -> None:
    books = Books(postgresql).open()
    with contextlib.ExitStack() as stack:
        try:
            bouncer = stack.enter_context(PgBouncer(postgresql.url, version=version))
        except Unavailable as error:
            pytest.skip(f"PgBouncer {version} cannot be had here: {error}")
        pooled = replace(postgresql, url=bouncer.url)
        for _ in range(2):
            crew.start(pooled, wait=False, **CARE)
        crew.ledger.wait_for("worker.started", count=2)
        with books.load():
            for hurt in (lambda: crew.workers[0].kill(), bouncer.restart):
                before = postgresql.count("archived_job")
                wait_until(lambda before=before: postgresql.count("archived_job") >= before + MORE, 60)  # type: ignore[misc]
                hurt()
            crew.start(pooled, **CARE)
        wait_until(lambda: books.done, 60, what="the end of all jobs")
        books.balance(losses=True)

        how = {entry["proved_by"] for entry in crew.ledger.entries("worker.liveness")}
        assert how == {"heartbeat"}, "the log says that no lock proves these lives"
        survivor = crew.workers[1]
        assert crew.ledger.entries("database.recovered", pid=survivor.pid)
        for worker in crew.workers[1:]:
            worker.tell()
            assert worker.wait() == 0
