"""A job id that is given to two jobs: neither is lost, nothing is silent, and nobody else is held up."""

from __future__ import annotations

import json
import threading
from typing import Any
from uuid import UUID, uuid4

import pytest

from proletarian import (
    DatabaseGenerated,
    Job,
    NewJob,
    Queue,
    Retry,
    Tables,
    Tasks,
    enqueue,
    enqueue_many,
    process_next_job,
)
from proletarian.errors import JobIdTaken
from proletarian.testing import drain
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


def test_one_that_is_in_the_archive_already_is_archived_beside_it(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task
    def greet(n: int) -> None: ...

    job_id = uuid4()
    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    workers.drain(tasks)
    database.put(NewJob("greet", {"n": 2}, job_id=job_id), *[NewJob("greet", {"n": n}) for n in range(3, 40)])
    workers.drain(tasks)

    assert database.count("archived_job") == 39
    assert {status for (status,) in database.archive("status")} == {"success"}
    assert (database.count("job"), database.count("running_job")) == (0, 0)
    [told] = workers.recorder.of("job.id_taken")
    assert told["job_id"] == job_id
    assert isinstance(told["new_id"], UUID)
    assert workers.recorder.names("job.lease_lost", "job.unrecordable", "database.") == []
    assert len(workers.recorder.of("job.succeeded")) == 39
    [(payload, errors)] = database.rows(
        f"SELECT payload, errors FROM {database.table('archived_job')} WHERE errors IS NOT NULL"
    )
    [note] = json.loads(errors)
    assert payload == '{"n":2}'
    assert note["type"] == "JobIdTaken"
    assert f"the id {job_id} was given to two jobs" in note["message"]
    assert str(told["new_id"]) in note["message"]


def test_one_that_fails_while_another_of_its_id_waits_is_retried_beside_it(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    job_id = uuid4()
    runs: list[tuple[int, bool]] = []

    @tasks.task(retry=Retry(3))
    def greet(job: Job, n: int) -> None:
        runs.append((n, job.job_id == job_id))
        if len(runs) == 1:
            database.put(NewJob("greet", {"n": 2}, job_id=job.job_id, process_in=3600))
            raise ValueError("try me again")

    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    workers.drain(tasks)

    assert runs == [(1, True), (1, False)]
    assert database.rows(f"SELECT payload FROM {database.table('job')}") == [('{"n":2}',)]
    assert database.archive("payload", "status", "attempts") == [('{"n":1}', "success", 2)]
    assert database.count("running_job") == 0
    assert workers.recorder.names("job.")[:4] == ["job.started", "job.failed", "job.id_taken", "job.retrying"]


def test_two_that_end_at_once_are_both_kept(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    job_id = uuid4()
    both = threading.Barrier(2, timeout=60)

    @tasks.task
    def greet(n: int) -> None:
        if n == 1:
            database.put(NewJob("greet", {"n": 2}, job_id=job_id))
        both.wait()

    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    workers.drain(tasks)

    assert sorted(database.archive("payload", "status")) == [('{"n":1}', "success"), ('{"n":2}', "success")]
    assert len(workers.recorder.of("job.id_taken")) == 1


def test_one_that_completes_in_its_own_transaction_is_told(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    job_id = uuid4()
    seen: list[BaseException] = []

    @tasks.task(retry=Retry(5))
    def completes(job: Job, n: int) -> None:
        with database.connection() as connection:
            try:
                job.complete(connection)
            except JobIdTaken as error:
                seen.append(error)
                raise
            connection.commit()

    database.put(NewJob("completes", {"n": 1}, job_id=job_id))
    workers.drain(tasks)
    database.put(NewJob("completes", {"n": 2}, job_id=job_id))
    workers.drain(tasks)

    [error] = seen
    assert f"the id {job_id} was given to two jobs" in str(error)
    assert sorted(database.archive("payload", "status")) == [('{"n":1}', "success"), ('{"n":2}', "failure")]
    assert (database.count("job"), database.count("running_job")) == (0, 0)


def test_a_dead_workers_run_makes_way_too(database: PrivateDatabase, workers: Workers, tasks: Tasks) -> None:
    ran = []

    @tasks.task
    def greet(n: int) -> None:
        ran.append(n)

    job_id = uuid4()
    for n in (1, 2):  # both in the hands of workers that left no trace
        database.put(NewJob("greet", {"n": n}, job_id=job_id))
        taken = f"{database.table('running_job')}"
        columns = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors"
        worker_id = {"postgresql": str(uuid4()), "sqlite": str(uuid4())}.get(database.product, uuid4().bytes)
        with database.connection() as connection:
            cursor = connection.cursor()
            mark = "?" if database.product == "sqlite" else "%s"
            cursor.execute(
                f"INSERT INTO {taken} ({columns}, worker_id, run_id, started_at) "
                f"SELECT {columns}, {mark}, {n}, process_at FROM {database.table('job')}",
                (worker_id,),
            )
            cursor.execute(f"DELETE FROM {database.table('job')}")
            connection.commit()
    database.put(NewJob("greet", {"n": 3}, job_id=job_id))
    with workers.running(tasks):
        workers.archived(3)

    assert sorted(ran) == [1, 2, 3]
    assert database.count("running_job") == 0
    assert len(workers.recorder.of("job.id_taken")) >= 2


def test_ids_that_the_database_makes_are_never_met(sqlite: PrivateDatabase, tasks: Tasks, tmp_path: Any) -> None:
    counted = PrivateDatabase("sqlite", f"sqlite:///{tmp_path}/counted.db")
    queue = Queue(job_ids=DatabaseGenerated(), tables=Tables())
    counted.migrate(queue)
    own = Tasks(queue=queue)
    ran = []

    @own.task
    def greet(n: int) -> None:
        ran.append(n)

    with counted.connection() as connection:
        queue.enqueue(connection, "greet", {"n": 1}, job_id=7)
        connection.commit()
        assert process_next_job(connection, own)
        queue.enqueue(connection, "greet", {"n": 2}, job_id=7)
        assert [run.outcome for run in drain(connection, own)] == ["succeeded"]
        connection.commit()

    assert ran == [1, 2]
    [first, second] = counted.rows("SELECT job_id FROM proletarian_archived_job ORDER BY job_id DESC")
    assert first == (7,)
    assert second[0] < 0


REFUSES = {
    "postgresql": "ALTER TABLE {table} ADD CONSTRAINT fine CHECK (job_type <> 'odd' OR status <> 'success')",
    "mysql": "ALTER TABLE {table} ADD CONSTRAINT fine CHECK (job_type <> 'odd' OR status <> 'success')",
    "sqlite": (
        "CREATE TRIGGER fine BEFORE INSERT ON {table} "
        "WHEN NEW.job_type = 'odd' AND NEW.status = 'success' BEGIN SELECT RAISE(ABORT, 'fine is violated'); END"
    ),
}


@pytest.mark.parametrize("product", ["sqlite", "postgresql", "mariadb", "mysql"])
def test_an_end_that_the_database_refuses_holds_up_no_other(product: str, new_database: Any, recorder: Any) -> None:
    database: PrivateDatabase = new_database(product)
    database.migrate()
    database.rows(REFUSES.get(product, REFUSES["mysql"]).format(table=database.table("archived_job")))
    tasks, told = Tasks(), []

    @tasks.task
    def odd() -> None: ...

    @tasks.task
    def greet(n: int) -> None: ...

    database.put(*[greet.job(n=n) for n in range(60)], odd.job(), *[greet.job(n=n) for n in range(60)], odd.job())
    Workers(database, recorder).drain(tasks, failed_job=lambda job, error: told.append((job.job_type, str(error))))

    assert sorted(database.archive("job_type", "status")) == [("greet", "success")] * 120 + [("odd", "failure")] * 2
    assert database.count("running_job") == 0
    for errors in database.rows(f"SELECT errors FROM {database.table('archived_job')} WHERE job_type = 'odd'"):
        assert "the database refuses to store how this run ended (job.succeeded)" in errors[0]
        assert "fine" in errors[0]
    assert [kind for kind, _ in told] == ["odd", "odd"]
    assert [data["ended"] for data in recorder.of("job.unrecordable")] == ["job.succeeded"] * 2
    assert len(recorder.of("job.succeeded")) == 120
    assert recorder.names("job.lease_lost", "database.") == []


def test_one_that_waits_is_refused_at_the_enqueue(database: PrivateDatabase) -> None:
    job_id = uuid4()
    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    with database.connection() as connection:
        with pytest.raises(JobIdTaken, match=str(job_id)):
            enqueue(connection, "greet", {"n": 2}, job_id=job_id)
        connection.rollback()
        with pytest.raises(JobIdTaken, match=str(job_id)):
            enqueue_many(connection, [NewJob("greet", {"n": n}, job_id=job_id if n else None) for n in range(200)])
        connection.rollback()

    assert database.count("job") == 1
