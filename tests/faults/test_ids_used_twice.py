"""A job id that is used twice: it costs nobody else anything."""

from __future__ import annotations

from uuid import uuid4

from proletarian import Job, NewJob, Retry, Tasks
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers


def test_one_that_is_in_the_archive_already_holds_up_no_outcome(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    @tasks.task
    def greet(n: int) -> None: ...

    job_id = uuid4()
    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    workers.drain(tasks)
    database.put(NewJob("greet", {"n": 2}, job_id=job_id), NewJob("greet", {"n": 3}))
    workers.drain(tasks)

    assert database.archive("payload") == [('{"n":1}',), ('{"n":3}',)], "the first of an id stays"
    assert (database.count("job"), database.count("running_job")) == (0, 0)


def test_one_that_fails_while_another_of_its_id_waits_makes_way_for_it(
    database: PrivateDatabase, workers: Workers, tasks: Tasks
) -> None:
    job_id = uuid4()
    runs: list[int] = []

    @tasks.task(retry=Retry(3))
    def greet(job: Job, n: int) -> None:
        runs.append(n)
        if n == 1:
            database.put(NewJob("greet", {"n": 2}, job_id=job.job_id, process_in=3600))
            raise ValueError("try me again")

    database.put(NewJob("greet", {"n": 1}, job_id=job_id))
    workers.drain(tasks)

    assert runs == [1]
    assert database.rows(f"SELECT payload FROM {database.table('job')}") == [('{"n":2}',)]
    assert (database.count("running_job"), database.count("archived_job")) == (0, 0)
