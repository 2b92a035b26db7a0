"""psycopg's connections, on which a cursor of ours is kept: nothing else may come of it than speed."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import threading
import tracemalloc
import warnings
import weakref
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from proletarian import DatabaseGenerated, NewJob, Queue, SchemaOutOfDate, Tables, aenqueue, enqueue, enqueue_many
from proletarian.drivers.cursors import LARGE
from proletarian.errors import JobIdTaken
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.waiting import wait_until


@pytest.fixture
def connection(postgresql: PrivateDatabase) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgresql.url, autocommit=True) as opened:
        yield opened


@pytest.fixture
def by_hand() -> Iterator[None]:
    """Nothing is collected that is not dropped by its last owner."""
    gc.disable()
    yield
    gc.enable()


def payloads(connection: psycopg.Connection[Any]) -> list[str]:
    return [text for (text,) in connection.execute("SELECT payload FROM proletarian.job ORDER BY job_id")]


def test_a_connection_that_nobody_closes_goes_with_its_last_owner(postgresql: PrivateDatabase, by_hand: None) -> None:
    connection = psycopg.connect(postgresql.url, autocommit=True)
    enqueue(connection, "greet")
    enqueue(connection, "greet")
    alive, server_process = weakref.ref(connection), connection.info.backend_pid
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # psycopg's own, that it was not closed
        del connection

    assert alive() is None
    with psycopg.connect(postgresql.url, autocommit=True) as other:
        session = "SELECT 1 FROM pg_stat_activity WHERE pid = %s"
        wait_until(lambda: other.execute(session, [server_process]).fetchone() is None)


def test_an_async_one_likewise(postgresql: PrivateDatabase, by_hand: None) -> None:
    async def given() -> weakref.ref[Any]:
        connection = await psycopg.AsyncConnection.connect(postgresql.url, autocommit=True)
        await aenqueue(connection, "greet")
        await aenqueue(connection, "greet")
        alive = weakref.ref(connection)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            del connection
        return alive

    assert asyncio.run(given())() is None
    assert postgresql.count("job") == 2


def test_a_connection_that_lives_to_the_end_of_its_process(postgresql: PrivateDatabase) -> None:
    program = f"""
import psycopg, proletarian
connection = psycopg.connect({postgresql.url!r}, autocommit=True)
proletarian.enqueue(connection, "greet")
proletarian.enqueue(connection, "greet")
"""
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert (ended.stdout, ended.stderr) == ("", "")
    assert postgresql.count("job") == 2


def test_threads_on_one_connection(connection: psycopg.Connection[Any]) -> None:
    ids: list[Any] = []

    def put() -> None:
        ids.extend(enqueue(connection, "greet", {"text": "x" * number}) for number in range(100))

    threads = [threading.Thread(target=put) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    stored = {job_id for (job_id,) in connection.execute("SELECT job_id FROM proletarian.job")}
    assert stored == set(ids)
    assert len(ids) == 400


def test_coroutines_on_one_connection(postgresql: PrivateDatabase) -> None:
    async def given() -> None:
        async with await psycopg.AsyncConnection.connect(postgresql.url, autocommit=True) as connection:
            ids = await asyncio.gather(*(aenqueue(connection, "greet") for _ in range(100)))
            cursor = await connection.execute("SELECT job_id FROM proletarian.job")
            assert {job_id for (job_id,) in await cursor.fetchall()} == set(ids)

    asyncio.run(given())


def test_what_the_owner_changes_counts_at_once(connection: psycopg.Connection[Any]) -> None:
    seen: list[str] = []

    class Seen(psycopg.Cursor[Any]):
        def execute(self, query: Any, *args: Any, **kwargs: Any) -> Any:
            seen.append(str(query))
            return super().execute(query, *args, **kwargs)

    enqueue(connection, "greet")
    enqueue(connection, "greet")
    connection.cursor_factory = Seen
    enqueue(connection, "greet")
    enqueue(connection, "greet")
    assert sum("INSERT INTO proletarian.job" in sql for sql in seen) == 2
    for factory in (psycopg.ClientCursor, psycopg.RawCursor, psycopg.Cursor):
        connection.cursor_factory = factory
        connection.row_factory = dict_row
        enqueue(connection, "greet")
        enqueue(connection, "greet")
    assert len(seen) == 2

    assert connection.execute("SELECT count(*) AS n FROM proletarian.job").fetchone() == {"n": 10}


def test_text_is_written_in_the_encoding_of_the_moment(connection: psycopg.Connection[Any]) -> None:
    enqueue(connection, "greet", "Grüße")
    connection.execute("SET client_encoding TO latin1")
    enqueue(connection, "greet", "Grüße")
    enqueue(connection, "greet", "Grüße")
    connection.execute("SET client_encoding TO utf8")
    enqueue(connection, "greet", "Grüße")

    assert payloads(connection) == ['"Grüße"'] * 4


def test_a_failed_enqueue_spoils_nothing(connection: psycopg.Connection[Any], postgresql: PrivateDatabase) -> None:
    job_id = enqueue(connection, "greet")
    for _ in range(2):
        with pytest.raises(JobIdTaken):
            enqueue(connection, "greet", job_id=job_id)
        with pytest.raises(SchemaOutOfDate):
            Queue(tables=Tables(prefix="elsewhere.")).enqueue(connection, "greet")
        enqueue(connection, "greet")

    assert postgresql.count("job") == 3


@pytest.mark.parametrize("count", [1, 50])
def test_large_payloads_are_not_held_on_to(count: int, connection: psycopg.Connection[Any]) -> None:
    enqueue(connection, "greet", "x" * (LARGE - 3))
    enqueue_many(connection, [NewJob("greet")] * count)
    tracemalloc.start()
    if count == 1:
        enqueue(connection, "greet", "x" * 1_000_000)
    else:
        enqueue_many(connection, [NewJob("greet", "x" * (1_000_000 // count))] * count)
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert most > 1_000_000  # so much did it take meanwhile
    assert held < 100_000


def test_a_proxy_that_knows_no_weak_references(
    connection: psycopg.Connection[Any], postgresql: PrivateDatabase
) -> None:
    class Slotted:
        __slots__ = ("__wrapped__",)

        def __init__(self, wrapped: Any) -> None:
            self.__wrapped__ = wrapped

        def __getattr__(self, name: str) -> Any:
            return getattr(self.__wrapped__, name)

    with pytest.raises(TypeError, match="weak reference"):
        weakref.ref(Slotted(connection))
    enqueue(Slotted(connection), "greet")
    enqueue(Slotted(connection), "greet")

    assert postgresql.count("job") == 2


def test_in_a_pipeline(database_of: DatabaseOf, new_database: DatabaseOf) -> None:
    generated = Queue(job_ids=DatabaseGenerated())
    small, counted = database_of("postgresql"), new_database("postgresql")
    counted.migrate(generated)
    for database, queue in ((small, Queue()), (counted, generated)):
        with psycopg.connect(database.url) as connection:
            with connection.pipeline():
                first = queue.enqueue(connection, "greet", 1)
                others = queue.enqueue_many(connection, [NewJob("greet", 2), NewJob("greet", 3)])
                last = queue.enqueue(connection, "greet", 4)
            stored = connection.execute("SELECT job_id FROM proletarian.job ORDER BY payload").fetchall()
            assert [job_id for (job_id,) in stored] == [first, *others, last]


def test_a_bulk_load_says_that_a_pipeline_is_no_place_for_it(connection: psycopg.Connection[Any]) -> None:
    jobs = [NewJob("greet")] * 1000
    with pytest.raises(psycopg.NotSupportedError, match="COPY cannot be used in pipeline mode"), connection.pipeline():
        enqueue_many(connection, jobs)
    assert payloads(connection) == []
    enqueue_many(connection, jobs)
    assert len(payloads(connection)) == 1000
