"""
A worker is killed at the worst moments: while its claim, or its acknowledgement, is at the server.

The statement of a process that is gone may still be carried out, after a peer has looked
for what the dead one ran. A lock on a table holds it up for as long as the test needs.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.faults.test_locks import locked
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"heartbeat": 0.5, "lost_after": 20.0}
HELD_UP = {  # how many statements wait for a lock on a table
    "postgresql": "SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = database "
    "WHERE NOT granted AND locktype = 'relation' AND datname = current_database()",
    "mysql": "SELECT count(*) FROM information_schema.processlist WHERE state LIKE %s AND db = DATABASE()",
}


def is_held_up(database: PrivateDatabase) -> bool:
    """Whether a statement waits for a table."""
    [(count,)] = database.rows(HELD_UP[database.kind], ["Waiting for table%"] if database.kind == "mysql" else [])
    return bool(count)


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
@pytest.mark.parametrize("table", ["running_job", "archived_job"], ids=["claiming", "acknowledging"])
def test_a_statement_that_outlives_its_worker_loses_nothing(
    table: str, product: str, database_of: DatabaseOf, crew: Fleet
) -> None:
    database = database_of(product)
    books = Books(database).open()
    dying = crew.start(database, queues={"default": 1}, **CARE)
    crew.start(database, queues={"other": 1}, **CARE)
    crew.look_around()
    with locked(database, table):
        books.put("once")
        wait_until(lambda: is_held_up(database), what="a statement that waits for the table")
        dying.kill()
    crew.start(database, queues={"default": 1}, **CARE)

    wait_until(lambda: books.done, what="the end of the job")
    books.balance(losses=True)
