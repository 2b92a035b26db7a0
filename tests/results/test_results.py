"""Waiting for a job's end as an application does it, on each of the four databases."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import create_engine

from proletarian import (
    ConfigurationError,
    FilterError,
    JobCancelled,
    JobFailed,
    PayloadError,
    Queue,
    Tasks,
    UnknownJobType,
    WrongCall,
    await_for,
    cancel,
    wait_for,
)
from proletarian.encryption import EncryptingSerializer
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


@dataclass
class Invoice:
    number: int
    due: date
    total: Decimal


tasks = Tasks()
gate = threading.Event()


@tasks.task(keep_result=True)
def invoice(number: int) -> Invoice:
    return Invoice(number, date(2026, 11, 28), Decimal("12.30"))


@tasks.task(keep_result=True)
async def total(numbers: list[int]) -> int:
    return sum(numbers)


@tasks.task
def broken(number: int) -> None:
    raise ValueError(f"no {number}, ĳ")


@tasks.task
def nothing() -> None: ...


@tasks.task
def forgetful() -> int:
    return 1


@tasks.task(keep_result=True)
def late() -> str:
    gate.wait(20)
    return "at last"


def put(database: PrivateDatabase, task: Any, *args: Any) -> Any:
    with database.connection() as connection:
        job_id = task.enqueue(connection, *args)
        connection.commit()
        return job_id


def test_a_result_is_of_the_annotated_type_where_the_task_is_known(database: PrivateDatabase, workers: Workers) -> None:
    with workers.running(tasks):
        first, second = put(database, invoice, 42), put(database, total, [1, 2])
        expected = Invoice(42, date(2026, 11, 28), Decimal("12.30"))

        assert invoice.wait_for(database.url, first) == expected
        assert tasks.wait_for(database.url, first) == expected
        assert wait_for(database.url, first, task=invoice) == expected
        assert wait_for(database.url, first) == {"number": 42, "due": "2026-11-28", "total": "12.30"}
        assert asyncio.run(total.await_for(database.url, second)) == 3
        assert asyncio.run(await_for(database.url, str(second), timedelta(seconds=5))) == 3


def test_an_end_is_seen_while_somebody_waits(database: PrivateDatabase, workers: Workers) -> None:
    gate.clear()
    with workers.running(tasks):
        job_id = put(database, late)
        threading.Timer(0.3, gate.set).start()

        assert wait_for(database.url, job_id) == "at last"


def test_an_engine_says_where_as_well(database: PrivateDatabase, workers: Workers) -> None:
    scheme = {"postgresql": "postgresql+psycopg", "mysql": "mysql+pymysql", "sqlite": "sqlite"}[database.kind]
    engine = create_engine(f"{scheme}://{database.url.partition('://')[2]}")
    job_id = put(database, total, [1])
    workers.drain(tasks)

    assert wait_for(engine, job_id) == 1
    engine.dispose()


def test_a_failure_is_raised_with_the_error_that_is_kept(database: PrivateDatabase, workers: Workers) -> None:
    job_id = put(database, broken, 7)
    workers.drain(tasks)

    with pytest.raises(JobFailed, match=rf"job {job_id} \(broken\) has failed .* 1: ValueError: no 7, ĳ") as caught:
        wait_for(database.url, job_id)
    error = pickle.loads(pickle.dumps(caught.value))
    assert (error.job_id, error.job_type, error.attempts) == (job_id, "broken", 1)
    assert "in broken" in error.error["traceback"]
    with pytest.raises(JobFailed):
        asyncio.run(await_for(database.url, job_id))


def test_a_cancellation_is_raised_with_its_reason(database: PrivateDatabase) -> None:
    job_id = put(database, nothing)
    with database.connection() as connection:
        cancel(connection, job_id, reason="sent twice", by="ann")
        connection.commit()

    with pytest.raises(JobCancelled, match="sent twice") as caught:
        wait_for(database.url, job_id)
    assert pickle.loads(pickle.dumps(caught.value)).reason == "sent twice (by ann)"


def test_a_time_that_is_over_says_where_the_job_is(database: PrivateDatabase, workers: Workers) -> None:
    waiting = put(database, nothing)
    with pytest.raises(TimeoutError, match=rf"job {waiting} did not end within 0.1s: it is waiting"):
        wait_for(database.url, waiting, timeout=0.1)
    with pytest.raises(TimeoutError, match="no job with this id: the transaction that enqueued it"):
        asyncio.run(await_for(database.url, uuid4(), timeout=0.1))
    gate.clear()
    with workers.running(tasks):
        running = put(database, late)
        wait_until(lambda: database.count("running_job"))
        with pytest.raises(TimeoutError, match="it is running"):
            wait_for(database.url, running, timeout=0.1)
        gate.set()


def test_a_hundred_waits_share_one_thread_and_one_connection(database: PrivateDatabase, workers: Workers) -> None:
    job_ids = [put(database, total, [number]) for number in range(100)]

    def lookouts() -> int:
        return sum(thread.name == "proletarian lookout" for thread in threading.enumerate())

    def files() -> int:
        return sum(_target(number).startswith("socket:") for number in os.listdir("/proc/self/fd"))

    async def all_of_them() -> list[int]:
        return list(await asyncio.gather(*(await_for(database.url, job_id, 20) for job_id in job_ids[50:])))

    sockets = files()
    with ThreadPoolExecutor(51) as pool:
        waits = [pool.submit(wait_for, database.url, job_id, 20) for job_id in job_ids[:50]]
        others = pool.submit(asyncio.run, all_of_them())
        wait_until(lambda: lookouts() == 1)
        assert database.kind == "sqlite" or wait_until(lambda: files() > sockets)
        assert files() - sockets <= 4  # one to the server; two are the event loop's own
        workers.drain(tasks)
        assert [wait.result() for wait in waits] + others.result() == list(range(100))
    assert lookouts() == 1
    wait_until(lambda: lookouts() == 0, what="the lookout goes when nobody waits")


def _target(number: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{number}")
    except OSError:
        return ""


def test_a_connection_whose_transaction_is_a_snapshot_is_refused(database: PrivateDatabase) -> None:
    job_id = put(database, nothing)
    with database.connection() as connection:
        begin = {
            "postgresql": "BEGIN ISOLATION LEVEL REPEATABLE READ",
            "mysql": "START TRANSACTION WITH CONSISTENT SNAPSHOT",
            "sqlite": "BEGIN",
        }[database.kind]
        if database.kind == "postgresql":
            connection.autocommit = True
        connection.cursor().execute(begin)
        with pytest.raises(WrongCall, match="would never see the job end: commit first, or wait with a URL"):
            wait_for(connection, job_id)
        connection.cursor().execute("ROLLBACK")


def test_a_connection_is_as_it_was_after_a_wait(database: PrivateDatabase, workers: Workers) -> None:
    job_id = put(database, total, [2])
    workers.drain(tasks)
    with database.connection() as connection:
        assert total.wait_for(connection, job_id) == 2
        again = total.enqueue(connection, [3])
        connection.rollback()
        assert wait_for(connection, job_id, timeout=1) == 2
    with pytest.raises(TimeoutError):
        wait_for(database.url, again, timeout=0.05)


def test_a_result_that_was_not_kept_is_not_none(sqlite: PrivateDatabase) -> None:
    job_id = put(sqlite, forgetful)
    run_all(sqlite, tasks)

    for wait in (forgetful.wait_for, tasks.wait_for):
        with pytest.raises(ConfigurationError, match="'forgetful' returns <class 'int'>, but its result is not kept"):
            wait(sqlite.url, job_id)
    assert wait_for(sqlite.url, job_id) is None


def test_another_task_s_job_is_not_read_as_one_s_own(sqlite: PrivateDatabase) -> None:
    job_id = put(sqlite, total, [1])
    run_all(sqlite, tasks)

    with pytest.raises(UnknownJobType, match="is of type 'total', but was waited for as one of 'invoice'"):
        invoice.wait_for(sqlite.url, job_id)


def test_a_result_that_does_not_fit_its_annotation_says_so(sqlite: PrivateDatabase) -> None:
    own = Tasks()

    @own.task(keep_result=True)
    def liar() -> int:
        return "seven"  # type: ignore[return-value]

    @own.task(keep_result=True)
    def wrapped() -> Awaitable[date]:
        async def inner() -> date:
            return date(2026, 1, 1)

        return inner()

    first, second = put(sqlite, liar), put(sqlite, wrapped)
    run_all(sqlite, own)

    with pytest.raises(PayloadError, match="the result of 'liar' does not fit its annotation <class 'int'>"):
        liar.wait_for(sqlite.url, first)
    assert wrapped.wait_for(sqlite.url, second) == date(2026, 1, 1)


def test_results_are_encrypted_as_payloads_are(sqlite: PrivateDatabase) -> None:
    own = Tasks(queue=Queue(serializer=EncryptingSerializer([EncryptingSerializer.new_key()])))

    @own.task(keep_result=True)
    def secret() -> str:
        return "hunter2"

    job_id = put(sqlite, secret)
    run_all(sqlite, own)
    [(stored,)] = sqlite.archive("result")

    assert "hunter2" not in stored
    assert own.wait_for(sqlite.url, job_id) == "hunter2"
    with closing(sqlite.connect()) as connection:
        record = own.find_job(connection, job_id)
        assert record is not None
        assert record.result == "hunter2"


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("no id",), FilterError, "is not a job id"),
        ((uuid4(), 0), ConfigurationError, "timeout is seconds or a timedelta, more than 0"),
        ((uuid4(), "5"), ConfigurationError, "timeout is seconds"),
    ],
)
def test_what_cannot_be_waited_for_is_refused(
    sqlite: PrivateDatabase, arguments: tuple[Any, ...], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        wait_for(sqlite.url, *arguments)


def test_the_call_of_the_other_sort_of_connection_is_named(sqlite: PrivateDatabase) -> None:
    with sqlite.connection() as connection, pytest.raises(WrongCall, match=r"use `wait_for\(…\)`, without await"):
        asyncio.run(await_for(connection, uuid4()))


def test_tables_that_are_missing_and_servers_that_are_away_are_named(
    new_database: Callable[[str], PrivateDatabase],
) -> None:
    from proletarian import SchemaOutOfDate

    with pytest.raises(SchemaOutOfDate, match="proletarian migrate"):
        wait_for(new_database("postgresql").url, uuid4())
    with pytest.raises(TimeoutError, match=r"the database could not be asked"):
        wait_for("postgresql://nobody@127.0.0.1:1/none", uuid4(), timeout=0.3)


def run_all(database: PrivateDatabase, handler: Tasks) -> None:
    """Run what is due."""
    from proletarian import Worker

    Worker(database.url, handler).drain()


def test_a_wait_outlives_a_connection_that_is_cut(postgresql: PrivateDatabase) -> None:
    job_id = put(postgresql, total, [4])
    with ThreadPoolExecutor(1) as pool:
        wait = pool.submit(wait_for, postgresql.url, job_id, 20)
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'proletarian' "
        wait_until(lambda: postgresql.rows(f"{cut} AND datname = current_database()"))
        run_all(postgresql, tasks)
        assert wait.result() == 4


def test_a_forked_child_waits_on_a_connection_of_its_own(database: PrivateDatabase) -> None:
    first, second = put(database, total, [1]), put(database, total, [2])
    run_all(database, tasks)
    assert wait_for(database.url, first) == 1
    child = os.fork()
    if child == 0:
        os._exit(0 if wait_for(database.url, second, 10) == 2 else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert wait_for(database.url, second) == 2, "and the parent goes on with its own"
