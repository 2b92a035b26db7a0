"""Unique jobs as an application sees them, on each of the four databases."""

from __future__ import annotations

import random
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from proletarian import (
    AlreadyEnqueued,
    ConfigurationError,
    JobIdTaken,
    NewJob,
    Tasks,
    Unique,
    cancel,
    delete_jobs,
    enqueue,
    enqueue_many,
    find_job,
)
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


def test_an_enqueue_returns_the_id_of_the_job_that_is_there(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        first = enqueue(connection, "digest", {"account_id": 42}, unique="42")
        again = enqueue(connection, "digest", {"account_id": 42}, unique="42")
        other = enqueue(connection, "digest", {"account_id": 7}, unique="7")
        connection.commit()
        later = enqueue(connection, "digest", {"account_id": 42}, unique="42")
        connection.commit()

    assert first == again == later != other
    assert database.count("job") == 2


def test_a_rollback_leaves_no_key_behind(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        gone = enqueue(connection, "digest", unique="42")
        connection.rollback()
        there = enqueue(connection, "digest", unique="42")
        connection.commit()

    assert gone != there
    assert database.count("job") == 1


@pytest.mark.parametrize("until", ["started", "finished"])
def test_a_job_that_has_finished_makes_room_for_the_next(
    database: PrivateDatabase, workers: Workers, until: Any
) -> None:
    tasks = Tasks()

    @tasks.task(unique=Unique("account_id", until=until))
    def digest(account_id: int) -> None: ...

    with database.connection() as connection:
        first = digest.enqueue(connection, 42)
        connection.commit()
        workers.drain(tasks)
        second = digest.enqueue(connection, 42)
        connection.commit()

    assert first != second
    assert (database.count("job"), database.count("archived_job")) == (1, 1)


def test_until_started_makes_room_while_the_first_runs(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()
    ids: list[Any] = []

    @tasks.task(unique=Unique("account_id", until="started"))
    def digest(account_id: int) -> None:
        if len(ids) < 2:
            with database.connection() as connection:
                ids.append(digest.enqueue(connection, 42))
                connection.commit()

    with database.connection() as connection:
        ids.append(digest.enqueue(connection, 42))
        connection.commit()
    workers.drain(tasks)

    assert len(set(ids)) == 2
    assert database.count("archived_job") == 2


def test_until_finished_keeps_the_one_that_runs(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()
    ids: list[Any] = []

    @tasks.task(unique=Unique("account_id"))
    def digest(account_id: int) -> None:
        with database.connection() as connection:
            ids.append(digest.enqueue(connection, 42))
            connection.commit()

    with database.connection() as connection:
        ids.append(digest.enqueue(connection, 42))
        connection.commit()
    workers.drain(tasks)

    assert len(set(ids)) == 1
    assert database.count("archived_job") == 1


def test_a_time_holds_whatever_became_of_the_job(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()

    @tasks.task(unique=Unique(within=timedelta(hours=1)))
    def report() -> None: ...

    with database.connection() as connection:
        first = report.enqueue(connection)
        connection.commit()
        workers.drain(tasks)
        kept = report.enqueue(connection)
        connection.commit()
        database.rows(f"UPDATE {database.table('unique_job')} SET held_until = taken_at")
        second = report.enqueue(connection)
        connection.commit()

    assert first == kept != second


def test_replace_gives_the_waiting_one_the_new_payload_and_time(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()

    @tasks.task(unique=Unique("account_id", on_conflict="replace"))
    def index(account_id: int, text: str) -> None: ...

    with database.connection() as connection:
        first = index.using(process_in=3600).enqueue(connection, 42, "old")
        connection.commit()
        second = index.using(headers={"trace": "b"}, priority=3).enqueue(connection, 42, "new")
        connection.commit()
        [row] = database.rows(f"SELECT payload, headers, priority FROM {database.table('job')}")
    workers.drain(tasks)

    assert first == second
    assert row == ('{"account_id":42,"text":"new"}', '{"trace": "b"}', 3)
    assert database.count("archived_job") == 1, "it is due at once"


def test_raise_tells_of_the_one_that_is_there_and_the_transaction_lives(database: PrivateDatabase) -> None:
    rules = Unique("account_id", on_conflict="raise")
    with database.connection() as connection:
        first = enqueue(connection, "digest", {"account_id": 42}, unique=rules)
        with pytest.raises(AlreadyEnqueued, match="digest:42") as raised:
            enqueue(connection, "digest", {"account_id": 42}, unique=rules)
        jobs = [NewJob("digest", {"account_id": number}, unique=rules) for number in (7, 42, 8)]
        with pytest.raises(AlreadyEnqueued):
            enqueue_many(connection, jobs)
        second = enqueue(connection, "digest", {"account_id": 7}, unique=rules)
        connection.commit()

    assert raised.value.job_id == first != second
    assert database.count("job") == 2


def test_in_bulk_doubles_are_dropped_and_ids_come_in_order(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        first = enqueue(connection, "digest", {"n": 3}, unique="3")
        jobs = [NewJob("digest", {"n": n}, unique=str(n)) for n in (5, 3, 5, 1)] + [NewJob("plain"), NewJob("plain")]
        five, three, double, one, *plain = enqueue_many(connection, jobs)
        connection.commit()

    assert (three, double) == (first, five)
    assert len({five, three, one, *plain}) == 5
    assert database.count("job") == 5


@pytest.mark.parametrize("scope", [{"until": "finished"}, {"until": "started"}, {"within": 3600}], ids=str)
@pytest.mark.parametrize("on_conflict", ["keep", "replace"])
@pytest.mark.parametrize("autocommit", [False, True], ids=["in a transaction", "each statement committed"])
def test_hundreds_in_one_call_are_what_they_would_be_one_by_one(
    database: PrivateDatabase, scope: dict[str, Any], on_conflict: Any, autocommit: bool
) -> None:
    rules = Unique("n", on_conflict=on_conflict, **scope)
    at = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)

    def job(n: int, round_: int) -> NewJob:
        payload = {"n": n, "round": round_}
        return NewJob(
            "digest", payload, unique=rules, queue=f"q{n % 3}", priority=n, process_at=at, headers={"n": str(n)}
        )

    with database.connection() as connection:
        if autocommit:
            commit_each_statement(connection)
        firsts = enqueue_many(connection, [job(n, 1) for n in range(0, 300, 2)])
        all_of_them = enqueue_many(connection, [job(n, 2) for n in range(300)])
        if not autocommit:
            connection.commit()
        records = [find_job(connection, job_id) for job_id in all_of_them]

    assert all_of_them[::2] == firsts
    assert len(set(all_of_them)) == database.count("job") == 300
    for n, record in enumerate(records):
        assert record is not None
        assert record.payload == {"n": n, "round": 1 if on_conflict == "keep" and n % 2 == 0 else 2}
        assert (record.queue, record.priority, record.headers, record.process_at) == (f"q{n % 3}", n, {"n": str(n)}, at)


def test_of_hundreds_that_must_all_be_new_none_is_enqueued_if_one_is_there(database: PrivateDatabase) -> None:
    jobs = [NewJob("digest", {"n": n}, unique=Unique("n", on_conflict="raise")) for n in range(300)]
    with database.connection() as connection:
        there = enqueue_many(connection, jobs[150:151])
        with pytest.raises(AlreadyEnqueued) as raised:
            enqueue_many(connection, jobs)
        connection.commit()
        others = enqueue_many(connection, jobs[:150] + jobs[151:])
        connection.commit()

    assert [raised.value.job_id] == there
    assert database.count("job") == len({*there, *others}) == 300


@pytest.mark.parametrize("autocommit", [False, True], ids=["in a transaction", "each statement committed"])
def test_of_clients_that_enqueue_the_same_hundreds_each_job_has_one(
    database: PrivateDatabase, autocommit: bool
) -> None:
    """They overlap, in different orders, and every third transaction is rolled back."""
    found: list[Any] = []
    failed: list[Exception] = []

    def client(number: int) -> None:
        keys = list(range(400))
        with database.connection() as connection:
            if autocommit:
                commit_each_statement(connection)
            for round_ in range(6):
                random.Random(number * 10 + round_).shuffle(keys)
                jobs = [NewJob("digest", unique=f"{round_}-{key}") for key in keys[:250]]
                try:
                    job_ids = enqueue_many(connection, jobs)
                    if autocommit:
                        found.extend(job_ids)
                    elif (number + round_) % 3:
                        connection.commit()
                        found.extend(job_ids)
                    else:
                        connection.rollback()
                except Exception as error:
                    connection.rollback()
                    if database.kind != "mysql" or error.args[0] not in (1213, 1020):  # a deadlock is the client's
                        failed.append(error)
                        raise

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(client, range(4)))

    assert failed == []
    table = database.table("job")
    assert database.rows(f"SELECT count(*), count(DISTINCT unique_key) FROM {table}") == [(len(set(found)),) * 2]


def test_what_cannot_be_is_refused_where_it_is_said() -> None:
    tasks = Tasks()
    with pytest.raises(ConfigurationError, match="acount_id"):

        @tasks.task(unique=Unique("acount_id"))
        def digest(account_id: int) -> None: ...

    with pytest.raises(ConfigurationError, match="started"):
        Unique("account_id", until="begun")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="replace"):
        Unique("account_id", on_conflict="ignore")  # type: ignore[arg-type]
    with closing(sqlite3.connect(":memory:")) as connection, pytest.raises(ConfigurationError, match="payload"):
        enqueue(connection, "digest", {}, unique=Unique("account_id"))


@pytest.mark.parametrize("end", [cancel, delete_jobs])
def test_a_job_that_is_cancelled_or_deleted_frees_its_key(database: PrivateDatabase, end: Any) -> None:
    with database.connection() as connection:
        first = enqueue(connection, "digest", unique="42")
        connection.commit()
        end(connection, first)
        second = enqueue(connection, "digest", unique="42")
        connection.commit()

    assert first != second
    assert database.count("job") == 1


def test_a_key_whose_job_was_deleted_by_hand_is_free_again(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()
    tasks.task(name="digest")(lambda: None)
    with database.connection() as connection:
        first = enqueue(connection, "digest", unique="42", process_in=3600)
        connection.commit()
        database.rows(f"DELETE FROM {database.table('job')}")

        def is_free() -> bool:
            second = enqueue(connection, "digest", unique="42", process_in=3600)
            connection.rollback()
            return bool(second != first)

        with workers.running(tasks):
            wait_until(is_free, 40, what="a free key")


def test_old_keys_are_forgotten(database: PrivateDatabase, workers: Workers) -> None:
    table = database.table("unique_job")
    with database.connection() as connection:
        enqueue(connection, "digest", unique="old")
        enqueue(connection, "digest", unique="young")
        enqueue(connection, "digest", unique="held", process_in=3600)
        connection.commit()
    tasks = Tasks()
    tasks.task(name="digest")(lambda: None)
    workers.drain(tasks)
    database.rows(f"UPDATE {table} SET taken_at = '2020-01-01 00:00:00' WHERE unique_key <> 'digest:young'")

    with workers.running(tasks):
        wait_until(lambda: database.count("unique_job") == 2, 40, what="that the old one is gone")


def test_a_job_that_cannot_be_inserted_leaves_its_key_free(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        taken = enqueue(connection, "other")
        connection.commit()
        with pytest.raises(JobIdTaken):
            enqueue(connection, "digest", unique="42", job_id=taken)
        connection.commit()
        job_id = enqueue(connection, "digest", unique="42")
        connection.commit()

    assert job_id != taken
    assert database.count("job") == 2


@pytest.mark.parametrize("scope", [{"until": "finished"}, {"until": "started"}, {"within": 3600}], ids=str)
def test_of_hundreds_that_cannot_be_inserted_no_key_is_left(database: PrivateDatabase, scope: dict[str, Any]) -> None:
    """The application goes on, and commits."""
    jobs = [NewJob("digest", {"n": n}, unique=Unique("n", **scope)) for n in range(150)]
    with database.connection() as connection:
        taken = enqueue(connection, "other")
        connection.commit()
        with pytest.raises(JobIdTaken):
            enqueue_many(connection, [*jobs[:-1], NewJob("digest", {"n": 149}, unique=jobs[-1].unique, job_id=taken)])
        connection.commit()
        enqueue_many(connection, jobs)
        connection.commit()

    assert database.count("job") == 151


@pytest.mark.parametrize("database", ["mariadb", "mysql"], indirect=True)
def test_a_new_key_costs_one_more_round_trip_than_a_plain_job(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        enqueue(connection, "digest", unique="warm")
        asked = []
        for unique in (None, "42"):
            before = questions(connection)
            enqueue(connection, "digest", unique=unique)
            asked.append(questions(connection) - before)
        plain, one = asked

    assert one == plain + 1


@pytest.mark.parametrize("database", ["mariadb", "mysql"], indirect=True)
def test_a_transaction_that_sql_has_begun_is_not_committed(database: PrivateDatabase) -> None:
    with database.connection() as connection:
        connection.autocommit(True)
        cursor = connection.cursor()
        cursor.execute("BEGIN")
        enqueue(connection, "digest", unique="42")
        connection.rollback()
        gone = database.count("job")
        enqueue(connection, "digest", unique="42")

    assert (gone, database.count("job"), database.count("unique_job")) == (0, 1, 1)


def commit_each_statement(connection: Any) -> None:
    """Switch this connection to autocommit mode."""
    if isinstance(connection, sqlite3.Connection):
        connection.isolation_level = None
    elif isinstance(connection, psycopg.Connection):
        connection.autocommit = True
    else:
        connection.autocommit(True)


def questions(connection: Any) -> int:
    """How many statements this session has sent, this one included."""
    cursor = connection.cursor()
    cursor.execute("SHOW SESSION STATUS LIKE 'Questions'")
    return int(cursor.fetchone()[1])
