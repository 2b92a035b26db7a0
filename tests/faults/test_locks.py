"""Somebody's ALTER TABLE, or an outage: whoever lives is not declared dead for it."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from proletarian import NewJob, Tasks, Worker
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase, new_server
from tests.faults.innocence import nobody_is_blamed, on_machines_of_their_own
from tests.waiting import wait_until
from tests.worker.recorder import Recorder

LOST_AFTER = 2.0
CARE: dict[str, Any] = {"heartbeat": 0.4, "lost_after": LOST_AFTER}
LONGER = LOST_AFTER + 1.0


@contextlib.contextmanager
def locked(database: PrivateDatabase, table: str) -> Iterator[None]:
    """Nobody else gets at a table; on SQLite nobody writes anything."""
    with database.connection() as connection:
        if database.kind == "postgresql":
            connection.execute(f"LOCK TABLE {database.table(table)} IN ACCESS EXCLUSIVE MODE")
        elif database.kind == "mysql":
            connection.cursor().execute(f"LOCK TABLES {database.table(table)} WRITE")
        else:
            connection.execute("BEGIN IMMEDIATE")
        yield


def leave_an_orphan(database: PrivateDatabase) -> None:
    """A run whose worker is not there: every peer wants to take it back."""
    columns = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, lost"
    waiting, running = database.table("job"), database.table("running_job")
    database.put(NewJob("greet", queue="nobody"))
    database.rows(
        f"INSERT INTO {running} ({columns}, worker_id, run_id, started_at) "
        f"SELECT {columns}, job_id, 1, process_at FROM {waiting} WHERE queue = 'nobody'"
    )
    database.rows(f"DELETE FROM {waiting} WHERE queue = 'nobody'")


def slow_tasks() -> tuple[Tasks, threading.Event]:
    """A task that runs until it is let go."""
    tasks, let_go = Tasks(), threading.Event()

    @tasks.task
    def greet() -> None: ...

    @tasks.task
    def slow() -> None:
        let_go.wait(60)

    return tasks, let_go


@pytest.mark.parametrize("table", ["job", "worker"])
def test_a_lock_on_a_table_for_longer_than_lost_after_makes_nobody_dead(
    database: PrivateDatabase, recorder: Recorder, table: str
) -> None:
    tasks, let_go = slow_tasks()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Worker(database.url, tasks, log=recorder, **CARE))
        stack.callback(let_go.set)
        database.put(NewJob("slow"))
        recorder.wait_for("job.started")
        if database.kind != "sqlite":
            leave_an_orphan(database)
        with locked(database, table):
            time.sleep(LONGER)  # longer than lost_after: that is the fault
        time.sleep(LOST_AFTER / 2)  # time to say so, if anybody thought anybody dead
        let_go.set()
        wait_until(lambda: ("slow", "success") in database.archive("job_type", "status"))

    assert recorder.of("worker.declared_dead") == []
    assert database.archive("job_type", "lost")[-1:] == [("slow", 0)]


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_a_lock_on_a_workers_row_for_longer_than_lost_after_makes_nobody_dead(
    product: str, database_of: DatabaseOf, recorder: Recorder
) -> None:
    """As a forgotten psql has it; on SQLite nobody can."""
    database = database_of(product)
    tasks, let_go = slow_tasks()
    with contextlib.ExitStack() as stack:
        for _ in range(2):
            stack.enter_context(Worker(database.url, tasks, log=recorder, **CARE))
        stack.callback(let_go.set)
        database.put(NewJob("slow"))
        recorder.wait_for("job.started")
        on_machines_of_their_own(database)
        with database.connection() as connection:
            connection.cursor().execute(
                f"SELECT worker_id FROM {database.table('worker')} WHERE worker_id IN "
                f"(SELECT worker_id FROM {database.table('running_job')}) FOR UPDATE"
            )
            time.sleep(LONGER)  # longer than lost_after: that is the fault
        time.sleep(LOST_AFTER / 2)  # time to say so, if anybody thought anybody dead
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 1)

    nobody_is_blamed(database, recorder)


def test_a_stop_ends_though_a_table_is_locked(database: PrivateDatabase, recorder: Recorder) -> None:
    worker = Worker(database.url, slow_tasks()[0], log=recorder, **CARE)
    worker.start()
    with locked(database, "worker"):
        recorder.wait_for("database.contended")  # it has run into the lock
        began = time.monotonic()
        worker.stop(1)
        took = time.monotonic() - began

    assert took < 15


def test_a_start_does_not_wait_for_a_locked_table(database: PrivateDatabase, recorder: Recorder) -> None:
    tasks, let_go = slow_tasks()
    let_go.set()
    database.put(NewJob("slow"))
    worker = Worker(database.url, tasks, log=recorder, **CARE)
    try:
        with locked(database, "worker"):
            worker.start()
            recorder.wait_for("worker.started")
            assert database.count("archived_job") == 0, "nobody claims who is not known yet"
        wait_until(lambda: database.count("archived_job") == 1, 60)
    finally:
        worker.stop()


@pytest.mark.parametrize("product", ["postgresql", "mariadb"])
def test_an_outage_longer_than_lost_after_makes_nobody_dead(product: str, recorder: Recorder) -> None:
    tasks, let_go = slow_tasks()
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(new_server(product))
        database = PrivateDatabase(product, server.url)
        database.migrate()
        for _ in range(3):
            stack.enter_context(Worker(database.url, tasks, log=recorder, **CARE))
        stack.callback(let_go.set)
        database.put(*[NewJob("slow")] * 3)
        recorder.wait_for("job.started", count=3)
        server.kill()
        time.sleep(LONGER)  # longer than lost_after: that is the fault
        server.start()
        wait_until(lambda: recorder.of("database.recovered"))
        time.sleep(LOST_AFTER)  # time to say so, if anybody thought anybody dead
        let_go.set()
        wait_until(lambda: database.count("archived_job") == 3)

        assert recorder.of("worker.declared_dead") == []
        assert database.archive("status", "attempts", "lost") == [("success", 1, 0)] * 3
