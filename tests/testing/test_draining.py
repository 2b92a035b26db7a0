"""`drain`: what is due runs on the test's connection, in its open transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from proletarian import (
    Cancel,
    ConfigurationError,
    Job,
    Retry,
    Tasks,
    UnknownJobType,
    WrongCall,
    enqueue,
    process_next_job,
)
from proletarian.testing import Jobs, adrain, drain, enqueued, inline
from tests.databases import PrivateDatabase
from tests.testing.application import Application


def statuses(database: PrivateDatabase, connection: Any) -> list[Any]:
    """The status of what is archived, as the test's own transaction sees it."""
    cursor = connection.cursor()
    cursor.execute(f"SELECT status FROM {database.table('archived_job')} ORDER BY job_id")
    return [status for (status,) in cursor.fetchall()]


def test_all_queues_are_drained_and_nothing_is_committed(
    application: Application, connection: Any, database: PrivateDatabase
) -> None:
    application.send_welcome.enqueue(connection, email="ann@example.org", copies=2)
    application.greet.enqueue(connection, name="Ada")

    ran = drain(connection, application.tasks)

    assert [(run.job_type, run.queue, run.outcome) for run in ran] == [
        ("greet", "default", "succeeded"),
        ("send_welcome", "mail", "succeeded"),
    ]
    assert application.done == ["hello, Ada", "welcome, ann@example.org, again"]
    assert statuses(database, connection) == ["success", "success"]
    assert drain(connection, application.tasks) == []

    connection.rollback()
    assert statuses(database, connection) == []
    assert database.count("job") == database.count("worker") == 0


def test_one_queue_alone_can_be_drained(application: Application, connection: Any) -> None:
    application.send_welcome.enqueue(connection, email="ann@example.org")
    application.greet.enqueue(connection, name="Ada")

    drain(connection, application.tasks, queue_name="mail")

    assert application.done == ["welcome, ann@example.org"]
    assert [job.job_type for job in enqueued(connection)] == ["greet"]


def test_jobs_that_jobs_enqueue_run_too(tasks: Tasks, connection: Any) -> None:
    done = []

    @tasks.task(queue="a")
    def second() -> None:
        done.append("second")

    @tasks.task(queue="b")
    def first() -> None:
        done.append("first")
        second.enqueue(connection)

    first.enqueue(connection)

    assert [run.job_type for run in drain(connection, tasks)] == ["first", "second"]
    assert done == ["first", "second"]


def test_jobs_for_later_are_left_waiting(application: Application, connection: Any) -> None:
    application.greet.using(process_in=60).enqueue(connection, name="Ada")

    assert drain(connection, application.tasks) == []
    assert len(enqueued(connection)) == 1


def test_higher_priorities_come_first(application: Application, connection: Any) -> None:
    application.greet.enqueue(connection, name="Ada")
    application.greet.using(priority=5).enqueue(connection, name="Bob")

    drain(connection, application.tasks)

    assert application.done == ["hello, Bob", "hello, Ada"]


def test_the_error_of_a_handler_is_raised_after_the_job_has_failed(application: Application, connection: Any) -> None:
    application.fail.enqueue(connection, why="no")
    application.send_welcome.enqueue(connection, email="ann@example.org")

    with pytest.raises(ValueError, match="no") as raised:
        drain(connection, application.tasks)

    assert "raised by the job 'fail'" in raised.value.__notes__[0]
    assert "retrying" in raised.value.__notes__[0]
    waiting, left = enqueued(connection)
    assert (waiting.job_type, waiting.attempts, waiting.errors[0]["message"]) == ("fail", 1, "no")
    assert left.job_type == "send_welcome"


def test_errors_can_be_kept_instead(application: Application, connection: Any) -> None:
    failed: list[str] = []
    application.fail.enqueue(connection, why="no")
    enqueue(connection, "send_welcome", {"nobody": 1})

    ran = drain(
        connection, application.tasks, raise_errors=False, failed_job=lambda job, error: failed.append(job.job_type)
    )

    assert [(run.outcome, run.failed, type(run.error).__name__) for run in ran] == [
        ("retrying", True, "ValueError"),
        ("given_up", True, "UnreadablePayload"),
    ]
    assert failed == ["send_welcome"]


def test_what_a_failed_handler_wrote_on_this_connection_is_undone(
    tasks: Tasks, connection: Any, database: PrivateDatabase
) -> None:
    @tasks.task(retry=Retry(1, delays=[60]))
    def write_twice() -> None:
        enqueue(connection, "written", queue="other", job_id=None)
        connection.cursor().execute(f"INSERT INTO {database.table('job')} (no_such_column) VALUES (1)")

    write_twice.enqueue(connection)

    ran = drain(connection, tasks, raise_errors=False)

    assert [run.outcome for run in ran] == ["retrying"]
    assert [job.job_type for job in enqueued(connection)] == ["write_twice"]


def test_a_connection_in_autocommit_mode_works_too(application: Application, database: PrivateDatabase) -> None:
    with database.connection() as connection:
        if database.kind == "mysql":
            connection.autocommit(True)
        elif database.kind == "postgresql":
            connection.autocommit = True
        else:
            connection.isolation_level = None
        application.fail.enqueue(connection, why="no")
        application.send_welcome.enqueue(connection, email="ann@example.org")
        drain(connection, application.tasks, raise_errors=False)

    assert application.done == ["failed at attempt 1", "welcome, ann@example.org"]
    assert database.archive() == [("send_welcome", "success")]
    assert (database.count("job"), database.count("running_job"), database.count("worker")) == (1, 0, 0)


@pytest.mark.parametrize("end", ["commit", "rollback"])
@pytest.mark.parametrize("then", ["return", "raise"])
def test_a_handler_that_ends_the_tests_transaction_is_told(
    end: str, then: str, tasks: Tasks, connection: Any, database: PrivateDatabase
) -> None:
    @tasks.task
    def end_it() -> None:
        getattr(connection, end)()
        if then == "raise":
            raise ValueError("afterwards")

    end_it.enqueue(connection)
    if end == "commit" and (then == "return" or database.kind != "postgresql"):
        ran = drain(connection, tasks, raise_errors=False)  # the claim is still there: all is well
        assert [run.outcome for run in ran] == ["succeeded" if then == "return" else "given_up"]
        return

    with pytest.raises(WrongCall, match="'end_it' ended the transaction"):
        drain(connection, tasks, raise_errors=False)


def test_complete_on_the_same_connection(tasks: Tasks, connection: Any, database: PrivateDatabase) -> None:
    @tasks.task
    def complete(job: Job) -> None:
        job.complete(connection)

    complete.enqueue(connection)

    assert [run.outcome for run in drain(connection, tasks)] == ["succeeded"]
    assert statuses(database, connection) == ["success"]


def test_signals_raised_by_a_handler_are_not_failures(application: Application, connection: Any) -> None:
    @application.tasks.task
    def cancel() -> None:
        raise Cancel("not needed")

    cancel.enqueue(connection)
    application.snooze.enqueue(connection)

    ran = drain(connection, application.tasks)

    assert [(run.outcome, run.failed) for run in ran] == [("cancelled", False), ("snoozed", False)]


def test_an_unknown_job_type_is_raised(application: Application, connection: Any) -> None:
    enqueue(connection, "send_mial")

    with pytest.raises(UnknownJobType, match=r"this worker knows: .*send_welcome"):
        drain(connection, application.tasks)


def test_a_handler_that_wants_to_end_the_program_fails_the_test(tasks: Tasks, connection: Any) -> None:
    @tasks.task
    def leave() -> None:
        raise SystemExit(3)

    leave.enqueue(connection)

    with pytest.raises(AssertionError, match="SystemExit"):
        drain(connection, tasks)


def test_a_job_that_enqueues_itself_for_ever_is_noticed(tasks: Tasks, connection: Any) -> None:
    def again(job: Job) -> None:
        enqueue(connection, "again")

    enqueue(connection, "again")

    with pytest.raises(ConfigurationError, match="5 jobs have run and more are due, the next being 'again'"):
        drain(connection, again, most=5)


def test_any_callable_is_a_handler(connection: Any) -> None:
    seen = []
    enqueue(connection, "greet", {"name": "Ada"})

    drain(connection, lambda job: seen.append(job.payload))

    assert seen == [{"name": "Ada"}]


def test_wrong_calls_say_which_is_right(application: Application, connection: Any) -> None:
    application.greet.enqueue(connection, name="Ada")

    async def in_a_loop() -> None:
        with pytest.raises(WrongCall, match=r"use `drain\(…\)`"):
            await adrain(connection, application.tasks)
        with pytest.raises(WrongCall, match=r"`await adrain\(…\)`"):
            drain(connection, application.tasks)

    asyncio.run(in_a_loop())
    with pytest.raises(ConfigurationError, match="a handler is a Tasks"):
        drain(connection, "greet")  # type: ignore[arg-type]


def test_a_middleware_runs_around_it(application: Application, connection: Any) -> None:
    @application.tasks.use
    def note(job: Job, call_next: Callable[[Job], Any]) -> Any:
        application.done.append("before")
        return call_next(job)

    application.greet.enqueue(connection, name="Ada")

    drain(connection, application.tasks)

    assert application.done == ["before", "hello, Ada"]


def test_handlers_find_the_state_that_a_test_gives(tasks: Tasks, connection: Any) -> None:
    seen = []

    @tasks.task
    def look(job: Job) -> None:
        seen.append(job.state)

    look.enqueue(connection)
    drain(connection, tasks, state={"pool": 1})
    look.enqueue(connection)
    Jobs(connection, tasks, state={"pool": 2}).drain()
    with inline(tasks, state={"pool": 3}):
        look.enqueue(connection)
    look.enqueue(connection)
    process_next_job(connection, tasks, state={"pool": 4})
    look.enqueue(connection)
    drain(connection, tasks)

    assert seen == [{"pool": 1}, {"pool": 2}, {"pool": 3}, {"pool": 4}, {}]


def test_the_hook_and_the_log_of_the_tasks_are_asked(tasks: Tasks, connection: Any) -> None:
    failed, heard = [], []
    tasks.failed_job = lambda job, error: failed.append(job.job_type)
    tasks.log = lambda event, data: heard.append(event)

    @tasks.task
    def fail() -> None:
        raise ValueError

    fail.enqueue(connection)
    drain(connection, tasks, raise_errors=False)
    fail.enqueue(connection)
    process_next_job(connection, tasks)

    assert failed == ["fail", "fail"]
    assert heard.count("job.given_up") == 2


def test_a_state_is_a_mapping(tasks: Tasks, connection: Any) -> None:
    with pytest.raises(ConfigurationError, match="state is a mapping"):
        drain(connection, tasks, state="a pool")  # type: ignore[arg-type]
