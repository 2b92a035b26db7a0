"""Deadlocks and serialization failures: whoever has to give way tries again, and the books balance."""

from __future__ import annotations

import contextlib
import random
import threading
from collections.abc import Iterator

import pytest

from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CONFLICTS = 5


@contextlib.contextmanager
def quarrel(database: PrivateDatabase, seed: int = 1) -> Iterator[list[str]]:
    """Somebody locks rows of all the tables, in any order, and gets into the way; gives what he was told."""
    chance = random.Random(seed)
    enough = threading.Event()
    told: list[str] = []
    by_chance = "random()" if database.kind == "postgresql" else "rand()"

    def lock_rows() -> None:
        with database.connection() as connection:
            if database.kind == "mysql":  # or each look locks its whole table, and nobody gets anywhere
                connection.cursor().execute("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
            while not enough.wait(0.01):
                tables = ["job", "running_job", "worker"]
                chance.shuffle(tables)
                try:
                    for table in tables:
                        sql = f"SELECT 1 FROM {database.table(table)} ORDER BY {by_chance} LIMIT 3 FOR UPDATE"
                        connection.cursor().execute(sql)
                        enough.wait(0.01)
                except Exception as error:  # noqa: BLE001 (drivers share no parent class)
                    told.append(str(error))
                connection.rollback()

    threads = [threading.Thread(target=lock_rows) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        yield told
    finally:
        enough.set()
        for thread in threads:
            thread.join()


def refusals(crew: Fleet) -> list[str]:
    """What the workers were told."""
    return [entry["error"] for entry in crew.ledger.entries("database.contended")]


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])
def test_the_books_balance_though_somebody_locks_rows_in_any_order(
    product: str, database_of: DatabaseOf, crew: Fleet
) -> None:
    database = database_of(product)
    books = Books(database).open()
    workers = [crew.start(database) for _ in range(2)]
    with quarrel(database) as told:

        def conflicts() -> bool:
            books.produce(10)
            return len(told) + len(refusals(crew)) >= CONFLICTS

        wait_until(conflicts, 60, what=f"{CONFLICTS} conflicts")
    wait_until(lambda: books.done, 60, what="the end of all jobs")

    books.balance(losses=False)
    assert any("deadlock" in refusal.lower() for refusal in told + refusals(crew))
    assert all(worker.process.poll() is None for worker in workers)


def test_the_books_balance_where_every_transaction_is_serializable(new_database: DatabaseOf, crew: Fleet) -> None:
    database = new_database("postgresql")
    name = database.url.rpartition("/")[2]
    database.rows(f"ALTER DATABASE {name} SET default_transaction_isolation TO 'serializable'")
    database.migrate()
    books = Books(database).open()
    workers = [crew.start(database) for _ in range(3)]

    def conflict() -> bool:
        books.produce(20)
        return any("serialize" in refusal for refusal in refusals(crew))

    wait_until(conflict, 60, what="a conflict")
    wait_until(lambda: books.done, 60, what="the end of all jobs")

    books.balance(losses=False)
    assert all(worker.process.poll() is None for worker in workers)
