"""A handler that has called `job.complete` and has not committed: it is killed, or the server loses patience."""

from __future__ import annotations

from tests.conftest import DatabaseOf
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet


def test_a_worker_that_is_killed_before_the_commit_has_done_nothing(crew: Fleet, books: Books) -> None:
    for _ in range(2):
        crew.start(books.database, queues={"default": 1})
    crew.look_around()
    books.put("dies")
    books.produce(10)
    wait_until(lambda: books.done, 60, what="the second run, on a peer")

    books.balance(losses=True)
    assert ("dies", 1, 1) in books.database.archive("job_type", "attempts", "lost")


def test_a_transaction_that_the_server_ends_is_a_failure_of_its_run_alone(
    new_database: DatabaseOf, crew: Fleet
) -> None:
    database = new_database("postgresql")
    name = database.url.rpartition("/")[2]
    database.rows(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout TO '200ms'")
    database.migrate()
    books = Books(database).open()
    worker = crew.start(database)
    books.put("idles")
    books.produce(20)
    wait_until(lambda: books.done, 60, what="the end of all jobs")

    books.balance(losses=False)
    [(attempts, errors)] = database.rows(
        "SELECT attempts, errors FROM proletarian.archived_job WHERE job_type = 'idles'"
    )
    assert attempts == 2
    assert "terminating connection due to idle-in-transaction timeout" in errors or "lost" in errors
    assert crew.ledger.entries("database.unavailable", pid=worker.pid) == [], "the worker's own are never idle so long"
