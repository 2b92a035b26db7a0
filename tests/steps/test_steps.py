"""Steps as handlers take them: done once, kept over retries, refused to whoever has lost the job."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from proletarian import (
    ConfigurationError,
    Job,
    LeaseLost,
    Queue,
    Retry,
    Snooze,
    StepNotKept,
    Tasks,
    TransitSerializer,
    WrongCall,
    delete_jobs,
    find_job,
    process_next_job,
    retry,
)
from proletarian.encryption import EncryptingSerializer
from proletarian.kept_errors import errors_in
from proletarian.testing import drain
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers


@dataclass(frozen=True)
class Charge:
    """What a step returns."""

    amount: Decimal
    on: date
    notes: tuple[str, ...] = ()


CHARGE = Charge(Decimal("9.90"), date(2026, 11, 29), ("ĳ", "\0"))


def put(database: PrivateDatabase, task: Any, *args: Any) -> Any:
    with database.connection() as connection:
        job_id = task.enqueue(connection, *args)
        connection.commit()
        return job_id


def last_error(database: PrivateDatabase) -> tuple[str, str]:
    [(errors,)] = database.archive("errors")
    return errors_in(errors)[-1]["type"], errors_in(errors)[-1]["message"]


def test_a_retry_gets_what_the_step_returned_the_first_time(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks(retry=Retry(2, delays=[0]))
    charged: list[int] = []
    got: list[Any] = []

    def charge(order_id: int) -> Charge:
        charged.append(order_id)
        return CHARGE

    @tasks.task
    def ship(job: Job, order_id: int) -> None:
        got.append(job.step("charge", charge, order_id))
        got.append(job.step("nothing", lambda: None))
        if job.attempts < 3:
            raise RuntimeError("not yet")

    job_id = put(database, ship, 7)
    assert workers.drain(tasks) == 3

    assert charged == [7]
    assert got == [CHARGE, None] * 3
    with database.connection() as connection:
        record = find_job(connection, job_id)
    assert record is not None
    assert record.state == "succeeded"
    assert [(step.name, step.result) for step in record.steps] == [
        ("charge", {"amount": "9.90", "on": "2026-11-29", "notes": ["ĳ", "\0"]}),
        ("nothing", None),
    ]
    assert all(step.kept_at is not None and step.kept_at.utcoffset() is not None for step in record.steps)


def test_a_coroutine_takes_steps_of_coroutines_and_of_plain_functions(
    database: PrivateDatabase, workers: Workers
) -> None:
    tasks = Tasks(retry=Retry(1, delays=[0]))
    charged: list[int] = []
    got: list[Any] = []

    async def charge(order_id: int) -> Charge:
        charged.append(order_id)
        return CHARGE

    def double(order_id: int) -> int:
        return 2 * order_id

    @tasks.task
    async def ship(job: Job, order_id: int) -> None:
        got.append(await job.astep("charge", charge, order_id))
        got.append(await job.astep("double", double, order_id))
        if job.attempts == 1:
            raise RuntimeError("not yet")

    put(database, ship, 7)
    workers.drain(tasks)

    assert charged == [7]
    assert got == [CHARGE, 14, CHARGE, 14]


def test_a_snooze_keeps_the_steps_and_what_raises_keeps_nothing(database: PrivateDatabase, workers: Workers) -> None:
    tasks, calls = Tasks(retry=Retry(5, delays=[0])), []

    def unsure() -> int:
        calls.append("unsure")
        if calls.count("unsure") < 3:
            raise Snooze(0) if calls.count("unsure") == 1 else RuntimeError("not now")
        return 1

    @tasks.task
    def ship(job: Job) -> None:
        job.step("sure", lambda: calls.append("sure"))
        job.step("unsure", unsure)

    put(database, ship)
    workers.drain(tasks)

    assert calls == ["sure", "unsure", "unsure", "unsure"]
    assert database.archive("status", "attempts") == [("success", 2)]


def test_many_runs_take_steps_at_once(database: PrivateDatabase, workers: Workers) -> None:
    tasks, sums = Tasks(), []

    def add(n: int, i: int) -> int:
        return n + i

    @tasks.task
    def count(job: Job, n: int) -> None:
        sums.append(sum(job.step(f"add {i}", add, n, i) for i in range(5)))

    with database.connection() as connection:
        for n in range(40):
            count.enqueue(connection, n)
        connection.commit()
    workers.drain(tasks, queues={"default": 20})

    assert sorted(sums) == [5 * n + 10 for n in range(40)]
    assert database.count("step") == 200


@pytest.mark.parametrize(
    ("take", "error"),
    [
        (lambda job: [job.step("a", int), job.step("a", int)], ConfigurationError),
        (lambda job: job.step("", int), ConfigurationError),
        (lambda job: job.step("a", 1), ConfigurationError),
        (lambda job: job.step("a", lock), ConfigurationError),
        (lambda job: job.step("a", object), StepNotKept),
        (lambda job: job.step("a", lambda: float("nan")), StepNotKept),
        (lambda job: job.step("a", nothing_now), WrongCall),
    ],
)
def test_an_invalid_step_is_refused(
    take: Callable[[Job], Any], error: type[Exception], sqlite: PrivateDatabase
) -> None:
    tasks = Tasks()

    @tasks.task
    def handle(job: Job) -> None:
        take(job)

    put(sqlite, handle)
    with sqlite.connection() as connection, pytest.raises(error):
        drain(connection, tasks)


def lock() -> threading.Thread:
    """It returns what cannot be kept, and says so before it is called."""
    raise AssertionError("it was called all the same")


async def nothing_now() -> None:
    """A coroutine, for which a plain handler has no loop."""


def test_a_step_that_cannot_be_kept_is_not_done_again_and_again(sqlite: PrivateDatabase) -> None:
    tasks, calls = Tasks(retry=Retry(5, delays=[0])), []

    def charge() -> Any:
        calls.append(1)
        return object()

    @tasks.task
    def handle(job: Job) -> None:
        job.step("charge", charge)

    put(sqlite, handle)
    Workers(sqlite, Recorder()).drain(tasks)

    assert calls == [1]
    kind, message = last_error(sqlite)
    assert kind == "StepNotKept"
    assert "step 'charge' has been done, but its result cannot be stored" in message


def test_what_a_new_release_cannot_read_fails_the_job_and_is_not_done_again(
    sqlite: PrivateDatabase, recorder: Recorder
) -> None:
    old, new, calls = Tasks(retry=Retry(5, delays=[0])), Tasks(retry=Retry(5, delays=[0])), []

    def as_text() -> str:
        return "seven"

    def as_number() -> int:
        calls.append(1)
        return 7

    @old.task(name="handle")
    def handle(job: Job) -> None:
        job.step("seven", as_text)
        raise Snooze(0)

    @new.task(name="handle")
    def handle_again(job: Job) -> None:
        job.step("seven", as_number)

    put(sqlite, handle)
    process_next_job(sqlite.url, old)
    Workers(sqlite, recorder).drain(new)

    assert calls == []
    assert last_error(sqlite)[0] == "UnreadablePayload"


def test_steps_go_through_the_queue_s_serializer(sqlite: PrivateDatabase, recorder: Recorder) -> None:
    for serializer in (EncryptingSerializer([EncryptingSerializer.new_key()]), TransitSerializer()):
        tasks = Tasks(queue=Queue(serializer=serializer), retry=Retry(1, delays=[0]))
        got: list[Charge] = []

        def charge() -> Charge:
            return CHARGE

        @tasks.task(name=":app/handle", queue=":app/mail")
        def handle(job: Job, got: Any = got, charge: Any = charge) -> None:
            got.append(job.step("charge", charge))
            if job.attempts == 1:
                raise RuntimeError("not yet")

        put(sqlite, handle)
        Workers(sqlite, recorder).drain(tasks, queue=tasks.queue)
        assert got == [CHARGE, CHARGE]
    texts = [text for (text,) in sqlite.rows("SELECT result FROM proletarian_step ORDER BY kept_at")]
    assert texts[0].startswith("fernet:")


def test_a_worker_that_has_lost_the_job_keeps_nothing_and_that_is_no_failure(
    database: PrivateDatabase, workers: Workers, recorder: Recorder
) -> None:
    tasks, started, go_on, refused = Tasks(), threading.Event(), threading.Event(), []

    @tasks.task
    def handle(job: Job) -> None:
        job.step("before", lambda: 1)
        started.set()
        assert go_on.wait(60)
        try:
            job.step("charge", lambda: 2)
        except LeaseLost as error:
            refused.append(str(error))
            raise

    job_id = put(database, handle)
    with workers.running(tasks, queues={"default": 1}):
        assert started.wait(60)
        running = database.table("running_job")
        database.rows(f"UPDATE {running} SET run_id = run_id + 1000")  # somebody else's now
        go_on.set()
        recorder.wait_for("job.lease_lost")

    assert len(refused) == 1
    assert str(job_id) in refused[0]
    assert recorder.of("job.failed") == []
    assert [name for (name,) in database.rows(f"SELECT name FROM {database.table('step')}")] == ["before"]


def test_a_step_behind_complete_is_refused_at_once(database: PrivateDatabase, workers: Workers) -> None:
    tasks, took = Tasks(), []

    @tasks.task
    def handle(job: Job) -> None:
        with database.connection() as connection:
            job.complete(connection)
            began = time.monotonic()
            with pytest.raises(ConfigurationError, match="must be last"):
                job.step("late", int)
            took.append(time.monotonic() - began)
            connection.commit()

    put(database, handle)
    workers.drain(tasks)

    assert took
    assert took[0] < 2
    assert database.archive("status") == [("success",)]


def test_a_row_that_somebody_has_locked_is_waited_for(postgresql: PrivateDatabase, recorder: Recorder) -> None:
    tasks, locked, started = Tasks(), threading.Event(), threading.Event()

    @tasks.task
    def handle(job: Job) -> None:
        started.set()
        assert locked.wait(60)
        job.step("charge", lambda: 2)

    put(postgresql, handle)
    workers = Workers(postgresql, recorder)
    with workers.running(tasks):
        assert started.wait(60)
        with postgresql.connection() as connection:
            connection.execute("SELECT 1 FROM proletarian.running_job FOR UPDATE")
            locked.set()
            time.sleep(0.3)
            assert postgresql.count("step") == 0
            connection.commit()
        workers.archived()

    assert postgresql.count("step") == 1


def test_an_id_that_is_given_again_brings_no_steps_with_it(database: PrivateDatabase, workers: Workers) -> None:
    tasks, got = Tasks(), []

    @tasks.task
    def handle(job: Job, n: int) -> None:
        got.append(job.step("charge", lambda: n))

    job_id = put(database, handle, 1)
    workers.drain(tasks)
    put(database, handle.using(job_id=job_id), 2)
    workers.drain(tasks)

    assert got == [1, 2]


def test_a_retry_from_the_archive_goes_on_where_it_was_and_a_fresh_one_begins_anew(
    database: PrivateDatabase, workers: Workers
) -> None:
    tasks, calls = Tasks(), []

    @tasks.task
    def handle(job: Job) -> None:
        job.step("charge", lambda: calls.append(1))
        raise RuntimeError("no")

    job_id = put(database, handle)
    workers.drain(tasks)
    for fresh, times in ((False, 1), (True, 2)):
        with database.connection() as connection:
            assert retry(connection, job_id, fresh=fresh) == 1
            connection.commit()
        workers.drain(tasks)
        assert len(calls) == times

    with database.connection() as connection:
        assert delete_jobs(connection, job_id) == 1
        connection.commit()
    assert database.count("step") == 0


def test_steps_are_pruned_with_the_archive(database: PrivateDatabase, workers: Workers) -> None:
    tasks = Tasks()

    @tasks.task
    def handle(job: Job, fails: bool) -> None:
        job.step("charge", lambda: 1)
        if fails:
            raise RuntimeError("kept longer")

    put(database, handle, False)
    failed = put(database, handle, True)
    workers.drain(tasks)
    with workers.running(tasks, keep_succeeded=0.0):
        wait_until(lambda: database.count("archived_job") == 1, what="the archive to be pruned")

    [(job_id,)] = database.rows(f"SELECT job_id FROM {database.table('step')}")
    assert Queue().dialect(database.kind).loaded_id(job_id) in (failed, str(failed))


def test_a_drain_and_process_next_job_keep_steps_on_their_connection(database: PrivateDatabase) -> None:
    tasks, calls = Tasks(retry=Retry(1, delays=[0])), []

    @tasks.task
    def handle(job: Job) -> None:
        job.step("charge", lambda: calls.append(1))
        if job.attempts == 1:
            raise RuntimeError("not yet")

    with database.connection() as connection:
        handle.enqueue(connection)
        runs = drain(connection, tasks, raise_errors=False)
        assert [run.outcome for run in runs] == ["retrying", "succeeded"]
        connection.rollback()
        assert calls == [1]
        handle.enqueue(connection)
        assert process_next_job(connection, tasks)
        assert process_next_job(connection, tasks)
        connection.commit()
    assert calls == [1, 1]
    put(database, handle)
    assert process_next_job(database.url, tasks)
    assert process_next_job(database.url, tasks)
    assert calls == [1, 1, 1]
    assert database.count("step") == 2


def test_a_job_that_no_worker_runs_just_calls_the_function() -> None:
    assert Job().step("charge", lambda order_id: f"charged {order_id}", 7) == "charged 7"
