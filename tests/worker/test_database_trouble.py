"""A database that goes away and comes back, or says no: the worker outlives it, and nothing is lost."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterator

import pytest

from proletarian import DatabaseUnavailable, Job, NewJob, SchemaOutOfDate, Tasks, Worker
from servers import Server
from tests.conftest import DatabaseOf, server_url
from tests.databases import PRODUCTS, PROGRAMS, PrivateDatabase, new_server
from tests.waiting import wait_until
from tests.worker.recorder import Recorder


@pytest.fixture(params=PROGRAMS)
def server(request: pytest.FixtureRequest) -> Iterator[Server]:
    """A server of the test's own, for it will be hurt."""
    server_url(request.param)  # skips where there is none
    with new_server(request.param) as server:
        yield server


def database_on(server: Server) -> PrivateDatabase:
    """A database with tables on it."""
    product = next(product for product, program in PROGRAMS.items() if type(server) is program)
    database = PrivateDatabase(product, server.url)
    database.migrate()
    return database


def test_a_job_that_runs_while_the_server_is_away_is_recorded_afterwards(server: Server, recorder: Recorder) -> None:
    database = database_on(server)
    began, finish = threading.Event(), threading.Event()
    runs = []

    def handle(job: Job) -> None:
        runs.append(job.attempts)
        began.set()
        finish.wait(30)

    database.put(NewJob("greet"))
    with Worker(database.url, handle, log=recorder):
        assert began.wait(60)
        server.kill()
        finish.set()
        recorder.wait_for("database.unavailable")
        server.start()
        wait_until(lambda: database.count("archived_job") == 1)

    assert runs == [1]
    assert database.archive("status", "attempts", "lost") == [("success", 1, 0)]


def test_a_stop_does_not_wait_for_a_server_that_is_away(server: Server, recorder: Recorder) -> None:
    database = database_on(server)
    worker = Worker(database.url, lambda job: None, log=recorder, stop_timeout=1)
    worker.start()
    server.stop()
    recorder.wait_for("database.unavailable")
    started = time.monotonic()
    worker.stop()

    assert time.monotonic() - started < 10


@pytest.mark.parametrize(
    ("product", "url"),
    [
        ("postgresql", "postgresql://test:wrong@127.0.0.1:{port}/test"),
        ("postgresql", "postgresql://test:test@127.0.0.1:{port}/nowhere"),
        ("mariadb", "mysql://test:wrong@127.0.0.1:{port}/test"),
        ("mariadb", "mysql://test:test@127.0.0.1:{port}/nowhere"),
    ],
)
def test_permanent_errors_are_reported_at_once(product: str, url: str) -> None:
    port = server_url(product).rpartition(":")[2].partition("/")[0]
    with pytest.raises(DatabaseUnavailable) as caught:
        Worker(url.format(port=port), print).start()

    assert "wrong" not in str(caught.value), "passwords are not shown"


@contextlib.contextmanager
def table_away(database: PrivateDatabase) -> Iterator[None]:
    """The waiting jobs' table, taken away for a while."""
    table = database.table("job")
    away = "gone" if "." in table else "proletarian_gone"
    database.rows(f"ALTER TABLE {table} RENAME TO {away}")
    yield
    moved = table.replace("job", "gone")
    database.rows(f"ALTER TABLE {moved} RENAME TO {table.rpartition('.')[2]}")


@pytest.mark.parametrize("product", ["sqlite", *PROGRAMS])
def test_an_error_that_time_does_not_mend_is_tried_again_by_default(
    product: str, new_database: DatabaseOf, recorder: Recorder
) -> None:
    database = new_database(product)
    database.migrate()
    with Worker(database.url, lambda job: None, log=recorder):
        with table_away(database):
            recorder.wait_for("database.unavailable")
        database.put(NewJob("greet"))
        wait_until(lambda: database.count("archived_job") == 1)
        recorder.wait_for("database.recovered")


@pytest.mark.parametrize("product", ["sqlite", *PROGRAMS])
def test_on_polling_error_may_stop_the_worker(product: str, new_database: DatabaseOf, recorder: Recorder) -> None:
    database = new_database(product)
    database.migrate()
    seen: list[Exception] = []

    def on_polling_error(error: Exception) -> bool:
        seen.append(error)
        return True

    worker = Worker(database.url, lambda job: None, log=recorder, on_polling_error=on_polling_error)
    worker.start()
    with table_away(database):
        failed = recorder.wait_for("worker.failed")
        worker.stop()

    assert isinstance(seen[0], SchemaOutOfDate)
    assert isinstance(failed["error"], SchemaOutOfDate)
    assert "proletarian migrate" in str(failed["error"])


def test_run_raises_what_ended_the_worker(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    worker = Worker(sqlite.url, lambda job: None, log=recorder, on_polling_error=lambda error: True)

    def take_away() -> None:
        recorder.wait_for("worker.started")
        sqlite.rows("ALTER TABLE proletarian_job RENAME TO proletarian_gone")

    thread = threading.Thread(target=take_away)
    thread.start()
    with pytest.raises(SchemaOutOfDate):
        worker.run()
    thread.join()


@pytest.fixture(params=PRODUCTS)
def refusing(request: pytest.FixtureRequest, new_database: DatabaseOf) -> PrivateDatabase:
    """A database that refuses each claim for good, with a job due: somebody has dropped a column that claims write."""
    database = new_database(request.param)
    database.migrate()
    database.put(NewJob("greet"))
    database.rows(f"ALTER TABLE {database.table('running_job')} DROP COLUMN suspect")
    return database


def test_a_drain_raises_what_is_refused_for_good(refusing: PrivateDatabase, recorder: Recorder) -> None:
    tasks = Tasks(log=recorder)
    tasks.task(name="greet")(lambda: None)

    with pytest.raises(Exception, match="suspect"):
        Worker(refusing.url, tasks).drain()

    assert refusing.count("job") == 1


def test_a_repeated_refusal_is_logged_once(refusing: PrivateDatabase, recorder: Recorder) -> None:
    with Worker(refusing.url, lambda job: None, log=recorder):
        recorder.wait_for("database.unavailable")
        time.sleep(2.0)  # this long it tries again: nothing can be waited for where nothing is to happen

    assert recorder.names().count("database.unavailable") == 1
    assert "database.recovered" not in recorder.names()
