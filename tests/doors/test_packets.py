"""Bulk goes in parts that a server takes; what no statement can hold is refused while the transaction lives."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import pymysql
import pytest

from proletarian import NewJob, PayloadError, Queue, Sizes
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase, mysql_options

LARGE = Queue(sizes=Sizes(payload=200_000_000))


@pytest.fixture(params=["mariadb", "mysql"])
def mysqls(request: pytest.FixtureRequest, database_of: DatabaseOf) -> PrivateDatabase:
    return database_of(request.param)


def packet(connection: Any) -> int:
    cursor = connection.cursor()
    cursor.execute("SELECT @@max_allowed_packet")
    return int(cursor.fetchone()[0])


@pytest.mark.parametrize("text", ["x", '"', "李"], ids=["plain", "quotes", "not ASCII"])
def test_many_large_jobs_are_several_statements_of_one_transaction(mysqls: PrivateDatabase, text: str) -> None:
    with closing(pymysql.connect(**mysql_options(mysqls.url))) as connection:
        count = 3 * packet(connection) // 100_000
        jobs = [NewJob("greet", {"n": n, "text": text * 100_000}) for n in range(count if text == "x" else 40)]
        job_ids = Queue().enqueue_many(connection, jobs)
        assert len(set(job_ids)) == len(jobs)
        connection.rollback()
        assert mysqls.count("job") == 0

        Queue().enqueue_many(connection, jobs[:30])
        connection.commit()
        assert mysqls.count("job") == 30


def test_a_job_larger_than_a_packet_is_refused_and_the_transaction_lives(mysqls: PrivateDatabase) -> None:
    with closing(pymysql.connect(**mysql_options(mysqls.url))) as connection:
        LARGE.enqueue(connection, "before")
        huge = NewJob("huge", "x" * (packet(connection) + 1))
        for put in (lambda: LARGE.enqueue_job(connection, huge),
                    lambda: LARGE.enqueue_many(connection, [NewJob("a"), huge, NewJob("b")])):  # fmt: skip
            with pytest.raises(PayloadError, match=r"the payload of 'huge' makes a statement of \d+ bytes"):
                put()
        LARGE.enqueue(connection, "after")
        connection.commit()

    assert sorted(mysqls.rows(f"SELECT job_type FROM {mysqls.table('job')}")) == [("after",), ("before",)]
