"""How soon an idle worker takes up a new job."""

from __future__ import annotations

import statistics
import threading
import time

import pytest

from proletarian import UUID7, DatabaseGenerated, Job, NewJob, Queue, Tables, Worker
from proletarian.events import silent
from proletarian.ids import JobIds
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.waiting import wait_until

POLL = 5.0  # so long that a poll cannot be what finds the job


def is_listening(database: PrivateDatabase) -> bool:
    """Whether a worker has lain down: enqueues take the trouble to notify only then."""
    if database.kind != "postgresql":
        return True
    sql = (
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ShareLock'"
        " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    )
    return database.rows(sql) != [(0,)]


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_where_the_database_notifies_a_job_does_not_wait_for_a_poll(product: str, database_of: DatabaseOf) -> None:
    database = database_of(product)
    ran = threading.Event()
    waits = []

    def handle(job: Job) -> None:
        ran.set()

    with Worker(database.url, handle, poll_interval=POLL, log=silent):
        for _ in range(5):
            wait_until(lambda: is_listening(database))
            time.sleep(0.1)  # idle for good
            ran.clear()
            database.put(NewJob("greet"))
            put_in = time.monotonic()
            assert ran.wait(60)
            waits.append(time.monotonic() - put_in)

    assert statistics.median(waits) < 0.5, waits


@pytest.mark.parametrize("job_ids", [UUID7(), DatabaseGenerated()], ids=["uuid", "generated"])
@pytest.mark.parametrize("schema", ["Jobs", "s" * 38], ids=["mixed case", "as long as can be"])
def test_tables_with_other_names_behave_the_same(job_ids: JobIds, schema: str, new_database: DatabaseOf) -> None:
    """The channel and the lock follow from the names of the tables."""
    database = new_database("postgresql")
    queue = Queue(tables=Tables(prefix=f"{schema}."), job_ids=job_ids)
    database.migrate(queue)
    ran = threading.Event()
    with Worker(database.url, lambda job: ran.set(), queue=queue, poll_interval=600.0, log=silent):
        wait_until(lambda: is_listening(database))
        database.put(NewJob("greet"), queue=queue)

        assert ran.wait(60)


@pytest.mark.parametrize("product", ["mariadb", "mysql"])
def test_elsewhere_it_waits_for_one(product: str, database_of: DatabaseOf) -> None:
    database = database_of(product)
    ran = threading.Event()
    with Worker(database.url, lambda job: ran.set(), poll_interval=0.2, log=silent):
        database.put(NewJob("greet"))

        assert ran.wait(60)


@pytest.mark.parametrize("product", ["sqlite", "postgresql"])
def test_a_rolled_back_enqueue_wakes_nobody_up_for_long(product: str, database_of: DatabaseOf) -> None:
    database = database_of(product)
    ran = threading.Event()
    with (
        Worker(database.url, lambda job: ran.set(), poll_interval=0.2, log=silent),
        database.connection() as connection,
    ):
        from proletarian import enqueue

        enqueue(connection, "greet")
        connection.rollback()

        assert not ran.wait(0.5)


def test_a_job_for_later_runs_at_its_time(database: PrivateDatabase) -> None:
    ran: list[float] = []
    with Worker(database.url, lambda job: ran.append(time.monotonic()), log=silent):
        put_in = time.monotonic()
        database.put(NewJob("greet", process_in=1.0))
        wait_until(lambda: ran)

    assert 0.95 <= ran[0] - put_in < 3
