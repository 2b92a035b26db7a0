"""Text arrives as it was enqueued, whatever character sets the database and the application's connection have."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from functools import cache
from typing import Any

import pymysql
import pytest

from proletarian import Job, NewJob, PayloadError, Queue, Worker
from proletarian.conformance import Subject
from proletarian.conformance.application import Application
from tests.conftest import server_url
from tests.databases import PrivateDatabase, create_database, mysql_options
from tests.doors.libraries import Door
from tests.doors.table import DOORS

TEXTS = ["Łukasz", "李", "😀", "é", "plain", "\\ ' \" \n é"]
PRODUCTS = ("mariadb", "mysql")
WHERE = [door for door in DOORS if door.product == "mariadb" or "PyMySQL" in door.name or "connector" in door.name]
# MariaDB's own connector refuses every character set but utf8mb4 by itself.
WHERE = [door for door in WHERE if door.product in PRODUCTS and "mariadb" not in door.name]


@pytest.fixture(params=["latin1", "utf8mb3"])
def odd(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@cache
def tables_in(product: str, encoding: str) -> PrivateDatabase:
    """A database whose text is encoded so by default; not the one of other tests, which would go on in it."""
    how = (
        f"ENCODING '{encoding}' LOCALE 'C' TEMPLATE template0"
        if product == "postgresql"
        else f"CHARACTER SET {encoding}"
    )
    database = create_database(product, server_url(product), f"in_{encoding.lower()}", how)
    database.migrate()
    return database


def empty_tables_in(product: str, encoding: str) -> PrivateDatabase:
    """The same, emptied."""
    tables_in(product, encoding).empty()
    return tables_in(product, encoding)


def jobs() -> Iterator[NewJob]:
    for text in TEXTS:
        name = text.strip().replace("\n", "")
        yield NewJob(f"type {name}", {"text": text, text: 1}, queue=f"queue {name}", headers={text: text})


def stored(database: PrivateDatabase, table: str) -> list[Any]:
    columns = "queue, job_type, payload, headers"
    return [
        (queue, job_type, json.loads(payload), json.loads(headers))
        for queue, job_type, payload, headers in database.rows(f"SELECT {columns} FROM {database.table(table)}")
    ]


def wanted() -> list[Any]:
    return [(job.queue, job.job_type, job.payload, job.headers) for job in jobs()]


@pytest.mark.parametrize("door", WHERE, ids=str)
def test_text_arrives_through_every_door(door: Door, odd: str) -> None:
    database = empty_tables_in(door.product, odd)
    application = Application(Subject(database.url, library=door.library(database)), Queue())
    try:
        application.execute(f"SET NAMES {odd}")
        for job in jobs():
            application.enqueue(job.job_type, job.payload, queue=job.queue, headers=job.headers)
        application.enqueue_many(jobs())
        application.commit()
    finally:
        application.close()

    key = repr
    assert sorted(stored(database, "job"), key=key) == sorted(wanted() * 2, key=key)


@pytest.mark.parametrize("charset", ["latin1", "utf8mb3", "gbk", "cp1251"])
@pytest.mark.parametrize("product", PRODUCTS)
def test_text_is_kept_until_the_archive(product: str, charset: str) -> None:
    database = empty_tables_in(product, "latin1")
    queue = Queue()
    with closing(pymysql.connect(**mysql_options(database.url), charset=charset)) as connection:
        for job in jobs():
            queue.enqueue_job(connection, job)
        queue.enqueue_many(connection, list(jobs()))
        connection.commit()

    def handle(job: Job) -> Any:
        job.progress(1, 2)
        if job.payload["text"] == "é":
            raise ValueError("é 李 😀")
        with closing(pymysql.connect(**mysql_options(database.url), charset=charset)) as own:
            job.complete(own, result={"of": job.payload["text"]})
            own.commit()
        return None

    queues = {str(job.queue): 1 for job in jobs()}
    Worker(f"{database.url}?charset={charset}", handle, queues=queues, log=lambda event, data: None).drain()

    assert sorted(stored(database, "archived_job"), key=repr) == sorted(wanted() * 2, key=repr)
    results = database.rows(f"SELECT result, errors FROM {database.table('archived_job')}")
    assert {json.loads(result)["of"] for result, _ in results if result} == set(TEXTS) - {"é"}
    assert {json.loads(errors)[0]["message"] for _, errors in results if errors} == {"é 李 😀"}


@pytest.fixture(params=["SQL_ASCII", "LATIN1", "UTF8, quote_all_identifiers"])
def odd_postgresql(request: pytest.FixtureRequest) -> PrivateDatabase:
    """A PostgreSQL database of another encoding, or with a setting that pg_dump's users leave behind."""
    encoding, _, setting = request.param.partition(", ")
    database = empty_tables_in("postgresql", encoding)
    if setting:
        database.rows(f"ALTER DATABASE {database.url.rpartition('/')[2]} SET {setting} = on")
    return database


PSYCOPGS = [door for door in DOORS if door.product == "postgresql" and door.whole]


@pytest.mark.parametrize("door", PSYCOPGS, ids=str)
def test_text_arrives_in_postgresql_of_any_encoding(door: Door, odd_postgresql: PrivateDatabase) -> None:
    database = odd_postgresql
    text = "é ' \\"
    application = Application(Subject(database.url, library=door.library(database)), Queue())
    try:
        try:
            application.enqueue("one é", {"text": text}, queue="é", headers={text: text})
        except PayloadError as error:
            assert "character set 'ascii' cannot carry" in str(error)  # noqa: PT017 (of some doors only)
            assert "psycopg2" in door.name or door.name == "Django"
            return
        application.enqueue_many([NewJob("é", {"text": text}, queue="é", headers={text: text}) for _ in range(120)])
        application.commit()
    finally:
        application.close()

    got: list[Any] = []
    Worker(
        database.url, lambda job: got.append((job.payload, job.headers)), queues={"é": 4}, log=lambda event, data: None
    ).drain()

    assert got == [({"text": text}, {text: text})] * 121
