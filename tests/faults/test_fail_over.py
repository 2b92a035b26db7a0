"""A PostgreSQL primary dies and its standby takes over: nothing that was committed is lost, workers follow."""

from __future__ import annotations

import contextlib
import time

import pytest

from servers import PostgresPair, PostgreSQL, Unavailable
from tests.databases import MORE, PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

ENOUGH = 40  # jobs that come to their end before the fault, and after it


def test_the_books_balance_after_a_fail_over_and_back(crew: Fleet) -> None:
    with contextlib.ExitStack() as stack:
        try:
            pair = stack.enter_context(PostgresPair(settings={**PostgreSQL.UNSYNCED, **MORE["postgresql"]}))
        except Unavailable as error:
            pytest.skip(f"PostgreSQL cannot be had here: {error}")
        database = PrivateDatabase("postgresql", pair.url)
        database.migrate()
        books = Books(database).open()
        for _ in range(2):
            crew.start(database)
        with books.load():
            wait_until(lambda: database.count("archived_job") >= ENOUGH, 60)
            pair.primary.kill()
            pair.promote()
            promoted, before = time.monotonic(), database.count("archived_job")
            wait_until(lambda: database.count("archived_job") > before, 60)
            print(f"the next job was archived {time.monotonic() - promoted:.1f} s after the promotion")
            wait_until(lambda: database.count("archived_job") >= before + ENOUGH, 60)
        wait_until(lambda: books.done, 60, what="the end of all jobs")
        books.balance(losses=False)

        assert crew.ledger.entries("worker.declared_dead") == []
        for worker in crew.workers:
            assert crew.ledger.entries("database.recovered", pid=worker.pid)
            worker.tell()
            assert worker.wait() == 0
