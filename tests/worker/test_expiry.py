"""Jobs that are worth nothing when they are late."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Queue, RetryAfter, Tasks, enqueue, find_job, retry
from proletarian.testing import assert_enqueued, drain
from tests.databases import PrivateDatabase
from tests.worker.workers import Workers

AN_HOUR_AGO = Queue(clock=lambda: datetime.now(UTC) - timedelta(hours=1))


def test_what_has_not_started_in_time_is_archived_as_expired(database: PrivateDatabase, workers: Workers) -> None:
    ran: list[Any] = []
    jobs = [NewJob("late", expires_in=60), NewJob("in time", expires_in=timedelta(hours=2)), NewJob("ever")]
    late, _, _ = database.put(*jobs, queue=AN_HOUR_AGO)
    with database.connection() as connection:
        record = find_job(connection, late)
        assert record is not None
        assert record.why is not None
        assert record.why.code == "expired"
    workers.drain(lambda job: ran.append(job.job_type))

    assert sorted(ran) == ["ever", "in time"]
    with database.connection() as connection:
        record = find_job(connection, late)
        assert record is not None
        assert (record.state, record.attempts) == ("cancelled", 0)
        assert [(error["type"], error["message"]) for error in record.errors] == [("Cancel", "expired")]
        assert record.headers == {"expires_in": "60.0"}
    [cancelled] = workers.recorder.of("job.cancelled")
    assert str(cancelled["error"]) == "expired"


def test_a_job_that_expired_runs_once_it_is_retried(database: PrivateDatabase, workers: Workers) -> None:
    [job_id] = database.put(NewJob("late", expires_in=60), queue=AN_HOUR_AGO)
    ran: list[Any] = []
    workers.drain(lambda job: ran.append(job.job_id))
    with database.connection() as connection:
        retry(connection, job_id)
        connection.commit()
    workers.drain(lambda job: ran.append(job.job_id))

    assert ran == [job_id]


def test_what_has_started_in_time_has_its_retries(sqlite: PrivateDatabase) -> None:
    attempts: list[int] = []

    def handle(job: Job) -> None:
        attempts.append(job.attempts)
        if job.attempts == 1:
            raise RetryAfter(0)

    tasks = Tasks()
    tasks.task(name="send")(handle)
    with sqlite.connection() as connection:
        enqueue(connection, "send", expires_in=0.5)
        drain(connection, tasks, raise_errors=False)
        connection.execute("UPDATE proletarian_job SET enqueued_at = '2020-01-01 00:00:00.000000'")
        drain(connection, tasks, raise_errors=False)

    assert attempts == [1, 2]


def test_an_expiry_is_an_option_like_others(sqlite: PrivateDatabase, tasks: Tasks) -> None:
    @tasks.task
    def report(month: str) -> None: ...

    with sqlite.connection() as connection:
        report.using(expires_in=timedelta(hours=1), headers={"tenant": "a"}).enqueue(connection, month="last")
        assert_enqueued(connection, report.using(expires_in=3600).job(month="last"))
        with pytest.raises(AssertionError):
            assert_enqueued(connection, report.using(expires_in=60).job(month="last"))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"expires_in": 0}, "expires_in is seconds or a timedelta, more than 0"),
        ({"expires_in": "1h"}, "expires_in is seconds"),
        ({"expires_in": 1e12}, "ends too far away"),
        ({"expires_in": 60, "process_in": 60}, "could never start"),
        (
            {"expires_in": 60, "process_at": datetime(2100, 1, 1, tzinfo=UTC)},
            "expires before that, at .* could never start",
        ),
    ],
)
def test_what_could_never_start_is_refused(sqlite: PrivateDatabase, options: Any, words: str) -> None:
    with sqlite.connection() as connection, pytest.raises(ConfigurationError, match=words):
        enqueue(connection, "report", **options)
