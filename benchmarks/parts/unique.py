"""Unique jobs compared with plain ones: one per commit and in bulk, on the four databases."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Callable, Iterator
from itertools import count
from typing import Any
from urllib.parse import urlsplit

from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run
from benchmarks.stores import NAMES, Store, store

PLAIN, FREE = "plain enqueue", "unique, the key is new"
TAKEN, KEPT, REPLACED = "unique, the key is free again", "unique, one is kept", "unique, one is replaced"
OLD = 10_000  # keys


def measure(run: Run) -> list[Found]:
    """All in one process, in turn within each round, on one connection."""
    found: list[Found] = []
    jobs = run.size(1_000, 400)
    for name in NAMES:
        table = Table(
            f"unique-{name}",
            f"{NAMES[name]}: enqueue, one per commit, 1 client",
            "jobs/s",
            ours=FREE,
            goals=[Goal(PLAIN, 0.6)],
        )
        bulk = Table(f"unique-{name}-bulk", f"{NAMES[name]}: enqueue of 1,000 in one call", "jobs/s", ours=FREE)
        with store(name, run.folder) as here:
            for number in range(run.rounds + 1):
                for rates, one in ((table, singly), (bulk, at_once)):
                    with connected(here) as connection:
                        for label, rate in one(connection, jobs).items():
                            if number:  # the first round warms up
                                rates.add(label, rate)
        found += [table, bulk]
    return found


@contextlib.contextmanager
def connected(here: Store) -> Iterator[Any]:
    """
    A connection to a fresh database with our tables, in which keys are known whose jobs have finished.

    PostgreSQL keeps a plan that it made for an empty table, and reads all of the table, until autovacuum has counted
    the rows: up to a minute. Tables that are in use are not in that state.
    """
    from proletarian import NewJob, enqueue_many, migrate

    url = here.fresh()
    migrate(url)
    with contextlib.closing(connection_to(url)) as connection:
        enqueue_many(connection, [NewJob("report", {}, unique=f"old {number}") for number in range(OLD)])
        forget_jobs(connection)
    here.settle()
    with contextlib.closing(connection_to(url)) as connection:
        yield connection


def connection_to(url: str) -> Any:
    """A connection like an application's."""
    if url.startswith("postgresql"):
        import psycopg

        return psycopg.connect(url)
    if url.startswith("sqlite"):
        connection = sqlite3.connect(url.removeprefix("sqlite:///"))
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection
    import pymysql

    parts = urlsplit(url)
    return pymysql.connect(
        host="127.0.0.1", port=parts.port or 0, user="test", password="test", database=parts.path[1:]
    )


def singly(connection: Any, jobs: int) -> dict[str, float]:
    """Jobs per second for each kind."""
    from proletarian import Unique, enqueue

    keys = count()

    def timed(enqueue_one: Callable[[int], object]) -> float:
        started = time.perf_counter()
        for number in range(jobs):
            enqueue_one(number)
            connection.commit()
        return jobs / (time.perf_counter() - started)

    payload = {"account_id": 42}
    replacing = Unique(on_conflict="replace")
    rates = {PLAIN: timed(lambda _: enqueue(connection, "report", payload))}
    rates[FREE] = timed(lambda _: enqueue(connection, "report", payload, unique=str(next(keys))))
    forget_jobs(connection)
    rates[TAKEN] = timed(lambda number: enqueue(connection, "report", payload, unique=str(number)))
    rates[KEPT] = timed(lambda number: enqueue(connection, "report", payload, unique=str(number)))
    enqueue(connection, "report", payload, unique=replacing)
    connection.commit()
    rates[REPLACED] = timed(lambda _: enqueue(connection, "report", payload, unique=replacing))
    return rates


def at_once(connection: Any, jobs: int) -> dict[str, float]:
    """The same for calls of 1,000."""
    from proletarian import NewJob, enqueue_many

    def timed(unique: bool) -> float:
        batch = [NewJob("report", {"account_id": 42}, unique=str(n) if unique else None) for n in range(1_000)]
        started = time.perf_counter()
        enqueue_many(connection, batch)
        connection.commit()
        return 1_000 / (time.perf_counter() - started)

    rates = {PLAIN: timed(unique=False), FREE: timed(unique=True)}
    rates[KEPT] = timed(unique=True)
    forget_jobs(connection)
    rates[TAKEN] = timed(unique=True)
    return rates


def forget_jobs(connection: Any) -> None:
    """Make it look as if all had finished, including what workers would record."""
    from proletarian.drivers.registry import driver_of
    from proletarian.sql.tables import Tables

    tables, kind = Tables(), driver_of(connection).database_of(connection)
    cursor = connection.cursor()
    cursor.execute(f"DELETE FROM {tables.name('job', kind)}")
    if kind == "mysql":
        cursor.execute(f"UPDATE {tables.name('unique_job', kind)} SET held = 0")
    connection.commit()
