"""What another hand writes into a row: it costs that job at the most, and no thread."""

from __future__ import annotations

import pytest

from proletarian import Job, NewJob, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

ROWS = {
    "headers are no JSON": "headers = 'garbage'",
    "headers are a list": "headers = '[1]'",
    "headers hold numbers": """headers = '{"n": 1}'""",
    "errors are no JSON": "errors = 'garbage'",
    "errors are numbers": "errors = '[1, 2]'",
    "errors are an object": """errors = '{"n": 1}'""",
}


@pytest.mark.parametrize("kind", ["good", "bad", "unknown"])
@pytest.mark.parametrize("change", ROWS.values(), ids=ROWS.keys())
def test_a_row_that_we_would_not_have_written(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, change: str, kind: str
) -> None:
    @tasks.task
    def good(job: Job) -> None: ...

    @tasks.task
    def bad(job: Job) -> None:
        raise ValueError("on purpose")

    database.put(NewJob(kind))
    database.rows(f"UPDATE {database.table('job')} SET {change}")
    database.put(NewJob("good"))
    workers.drain(tasks, queues={"default": 1}, unknown_for=0.0)

    assert database.count("running_job") == 0, "nothing hangs"
    statuses = [status for (status,) in database.archive("status")]
    assert statuses.count("success") >= 1, "the job after it has run"
    if kind == "bad":
        assert "failure" in statuses


def test_text_that_is_none_costs_its_own_job(sqlite: PrivateDatabase, tasks: Tasks) -> None:
    @tasks.task
    def good(note: str = "") -> None: ...

    sqlite.put(NewJob("good", {"note": "?"}))
    sqlite.rows(f"UPDATE {sqlite.table('job')} SET payload = CAST(x'7b226e6f7465223a22ff227d' AS TEXT)")
    sqlite.put(NewJob("good"))
    Worker(sqlite.url, tasks).drain()

    assert sorted(status for (status,) in sqlite.rows(f"SELECT status FROM {sqlite.table('archived_job')}")) == [
        "failure",
        "success",
    ]


@pytest.mark.parametrize("change", ["errors = 'garbage'", "headers = 'garbage'"])
def test_an_orphan_with_such_a_row_is_taken_back_all_the_same(
    database: PrivateDatabase, workers: Workers, tasks: Tasks, change: str
) -> None:
    @tasks.task
    def good() -> None: ...

    database.put(NewJob("good"))
    columns = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, lost"
    waiting, running = database.table("job"), database.table("running_job")
    database.rows(
        f"INSERT INTO {running} ({columns}, worker_id, run_id, started_at) "
        f"SELECT {columns}, job_id, 1, process_at FROM {waiting}"
    )
    database.rows(f"DELETE FROM {waiting}")
    database.rows(f"UPDATE {running} SET {change}")
    with workers.running(tasks):
        workers.archived()

    # Its worker has no row: whether the handler had begun is not known, and only begun runs count as lost.
    assert database.archive("status", "lost") == [("success", 0)]
