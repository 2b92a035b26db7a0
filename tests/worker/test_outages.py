"""An outage is told once, whichever of a worker's sessions meets it; conflicts over locks are none."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from proletarian import Worker
from proletarian.connections.database import Database
from proletarian.connections.session import Session
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder


def cut_off(database: PrivateDatabase) -> None:
    """End every session of a worker's, as a server that restarts does."""
    if database.kind == "postgresql":
        own = "application_name = 'proletarian' AND datname = current_database()"  # others have theirs on this server
        database.rows(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {own}")
        return
    own = "SELECT id FROM information_schema.processlist WHERE id <> connection_id() AND db = database()"
    for (number,) in database.rows(own):
        database.rows(f"KILL {number}")


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_two_sessions_that_are_cut_off_tell_of_one_outage(product: str, new_database: Any, recorder: Recorder) -> None:
    database = new_database(product)
    database.migrate()
    with Worker(database.url, print, log=recorder, heartbeat=0.5, lost_after=60):
        recorder.wait_for("worker.liveness")
        cut_off(database)
        recorder.wait_for("database.recovered")
        time.sleep(1.5)  # the keeper's next beats, on the connection that died with the other one

    told = recorder.names("database.")
    assert told[:2] == ["database.unavailable", "database.recovered"]
    assert told.count("database.unavailable") == told.count("database.recovered") == 1


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_a_lock_of_others_is_no_outage_unless_it_lasts(product: str, new_database: Any, recorder: Recorder) -> None:
    database = new_database(product)
    database.migrate()
    done = threading.Event()
    session = Session(Database(database.url), recorder)

    def wants() -> None:
        session.do(wanting, name="wanting")
        done.set()

    errors = {"postgresql": "55P03", "mariadb": 1205, "mysql": 1205}

    def wanting(connection: Any) -> None:
        from proletarian.sql.statements import Statement, Text

        if free.is_set():
            return
        if product == "postgresql":
            sql = f"DO $$ BEGIN RAISE EXCEPTION 'held' USING ERRCODE = '{errors[product]}'; END $$"
        else:
            sql = f"SIGNAL SQLSTATE 'HY000' SET MYSQL_ERRNO = {errors[product]}, MESSAGE_TEXT = 'held'"
        connection.execute(Statement(Text(sql)))

    free = threading.Event()
    thread = threading.Thread(target=wants)
    thread.start()
    try:
        recorder.wait_for("database.contended", count=2)
        assert recorder.names("database.unavailable") == []
        wait_until(lambda: recorder.names("database.unavailable") != [])
    finally:
        free.set()
        thread.join()
        session.close()
    assert done.is_set()
    assert recorder.names("database.unavailable", "database.recovered") == [
        "database.unavailable",
        "database.recovered",
    ]
