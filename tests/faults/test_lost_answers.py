"""
An acknowledgement whose answer is lost: it may have been carried out, or the job may have been taken back and
have ended elsewhere. Nobody is told of an end that is not in the database. And the answer to the first words of
a worker may be lost, which then says them once more.
"""

from __future__ import annotations

import os
import threading
from typing import Any
from uuid import uuid4

import pytest

from proletarian import Job, NewJob, Tasks, Worker, enqueue
from proletarian.connections.database import Database
from proletarian.outcomes import Outcome, succeeded
from proletarian.queue import Queue
from proletarian.sql import claiming, living, settling
from proletarian.sql.dialect import Dialect
from proletarian.sql.fates import written
from proletarian.sql.rows import Claimed, Ended
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.innocence import nobody_is_blamed
from tests.faults.network import Proxy
from tests.faults.test_locks import locked
from tests.waiting import wait_until
from tests.worker.fleet import Fleet
from tests.worker.recorder import Recorder


@pytest.mark.parametrize("ends", ["returns", "completes"])
def test_a_run_that_ended_elsewhere_is_told_by_nobody_else(
    database: PrivateDatabase, ends: str, fleet: Fleet, recorder: Recorder, tasks: Tasks
) -> None:
    begun, let_go = threading.Event(), threading.Event()

    @tasks.task
    def note(job: Job, n: int) -> None:
        if ends == "completes":
            with database.connection() as connection:
                job.complete(connection)
                connection.rollback()  # as when the connection breaks
        begun.set()
        let_go.wait(60)

    worker = Worker(database.url, tasks, log=recorder, queues={"default": 1})
    worker.start()
    try:
        database.put(NewJob("note", {"n": 1}))
        assert begun.wait(60)
        fleet.start(database, queues={"default": 1}).wait_until_started()
        database.rows(f"DELETE FROM {database.table('worker')} WHERE pid = %s", [os.getpid()])  # declared dead
        wait_until(lambda: database.count("archived_job") == 1, what="the other worker to run it")
        engine = worker._engine
        assert engine is not None
        with locked(database, "running_job"):  # the acknowledgement is tried more than once
            troubles = engine.pump.session.troubles
            let_go.set()
            wait_until(lambda: engine.pump.session.troubles > troubles)
        recorder.wait_for("job.lease_lost")
    finally:
        let_go.set()
        worker.stop(5)

    assert recorder.names("job.succeeded", "job.given_up") == []
    assert fleet.ledger.entries("ran") != []


def claimed(database: PrivateDatabase, dialect: Dialect, worker_id: Any) -> Claimed:
    """One job, claimed by a worker."""
    with database.connection() as connection:
        enqueue(connection, "note")
        connection.commit()
    row: Claimed
    [row] = carry_out(database, claiming.claim(dialect, worker_id, {"default": 1}, 0, None, None))
    return row


def carry_out(database: PrivateDatabase, plan: Any) -> Any:
    """A plan on a connection of a worker's."""
    return Database(database.url).run(plan)


WORDS = (
    '[{"attempt": 1, "at": "2026-11-28T10:00:00+00:00", "worker": "vm:7", "type": "ValueError", "message": "Grüße"}]'
)
OUTCOMES = {
    "success": succeeded(1, 0),
    "failure": Outcome("job.given_up", "failure", 1, errors=WORDS),
    "retry": Outcome("job.retrying", None, 1, delay=0.0, errors=WORDS),
    "release": Outcome("job.released", None, 0),
}


@pytest.mark.parametrize("said", OUTCOMES)
def test_what_was_written_is_found_again(database: PrivateDatabase, said: str) -> None:
    dialect, outcome = Queue().dialect(database.kind), OUTCOMES[said]
    worker_id = dialect.stored_worker(uuid4())
    carry_out(database, living.register(dialect, worker_id, "vm", 7, "default=1", (None, None), 60.0))
    row = claimed(database, dialect, worker_id)
    before = carry_out(database, written(dialect, "vm:7", [(row, outcome)]))
    carry_out(database, settling.settle(dialect, worker_id, "vm:7", [Ended(row.run_id, outcome)], None))

    assert before == set(), "it still runs"
    assert carry_out(database, written(dialect, "vm:7", [(row, outcome)])) == {row.run_id}
    if outcome.status:
        assert carry_out(database, written(dialect, "vm:8", [(row, outcome)])) == set(), "somebody else archived it"
    else:
        again = carry_out(database, claiming.claim(dialect, worker_id, {"default": 1}, 1, None, None))
        assert [one.job_id for one in again] == [row.job_id]
        found = {row.run_id} if outcome.errors else set()
        assert carry_out(database, written(dialect, "vm:7", [(row, outcome)])) == found


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])  # what MySQL is told is encrypted
def test_a_worker_whose_registration_is_not_answered_works_all_the_same(
    product: str, database_of: DatabaseOf, recorder: Recorder, tasks: Tasks
) -> None:
    database = database_of(product)

    @tasks.task
    def greet() -> None: ...

    database.put(greet.job())
    with Proxy(database.url) as proxy:
        proxy.losing = f"INSERT INTO {database.table('worker')}".encode()
        with Worker(proxy.url, tasks, log=recorder):
            wait_until(lambda: database.count("archived_job") == 1)
            assert proxy.losing is None, "its answer was lost"
            assert database.count("worker") == 1, "and it is there once"

    assert recorder.names("database.unavailable", "worker.failed") == ["database.unavailable"]
    nobody_is_blamed(database, recorder)
