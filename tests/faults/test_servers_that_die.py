"""The server is restarted and killed under load: every worker outlives it, and the books balance."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from servers import PostgreSQL, Server
from tests.conftest import server_url
from tests.databases import PROGRAMS, PrivateDatabase, new_server
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

MORE = 20  # jobs that come to their end after each fault before the next one


@pytest.fixture(params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, for it will be hurt."""
    server_url(request.param)  # skips where there is none
    with new_server(request.param) as server:
        yield server


def test_the_books_balance_after_the_server_was_restarted_and_killed(server: Server, crew: Fleet) -> None:
    product = next(product for product, program in PROGRAMS.items() if type(server) is program)
    books = Books(PrivateDatabase(product, server.url))
    books.database.migrate()
    books.open()

    server.stop()
    early = [crew.start(books.database, wait=False) for _ in range(2)]
    for worker in early:
        crew.ledger.wait_for("database.unavailable", 60, pid=worker.pid)
    server.start()
    with books.load():
        crew.start(books.database)
        ways = [server.stop, server.kill]
        if isinstance(server, PostgreSQL):
            ways.append(server.abandon)  # an immediate shutdown: no word to anybody, recovery at the start
        for end in ways:
            before = books.database.count("archived_job")
            wait_until(lambda before=before: books.database.count("archived_job") >= before + MORE, 60)  # type: ignore[misc]
            end()
            server.start()
    wait_until(lambda: books.done, 60, what="the end of all jobs")

    books.balance(losses=False)
    assert len(books.put_in) > MORE * len(ways)
    assert crew.ledger.entries("worker.declared_dead") == []
    for worker in crew.workers:
        crew.ledger.wait_for("database.recovered", 60, pid=worker.pid)
        worker.tell()
        assert worker.wait() == 0
