"""`assert_enqueued` and `enqueued`: what waits, and a clear word when it does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from proletarian import (
    UUID4,
    ConfigurationError,
    DatabaseGenerated,
    JsonSerializer,
    NewJob,
    Queue,
    Tables,
    Tasks,
    enqueue,
    migrate,
)
from proletarian.testing import (
    EnqueuedJob,
    Jobs,
    assert_enqueued,
    assert_not_enqueued,
    drain,
    enqueued,
    set_clock,
)
from tests.databases import PrivateDatabase
from tests.testing.application import Application

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_jobs_are_values(application: Application, connection: Any) -> None:
    with set_clock(application.tasks, NOON):
        job_id = application.send_welcome.using(priority=5, process_in=60, headers={"tenant": "a"}).enqueue(
            connection, email="ann@example.org"
        )

    [job] = enqueued(connection, application.send_welcome)

    assert job == EnqueuedJob(
        job_id, "mail", "send_welcome", {"email": "ann@example.org"}, 0, NOON, NOON + timedelta(seconds=60), 5,
        {"tenant": "a"}, 0, [],
    )  # fmt: skip
    assert isinstance(job.job_id, UUID)
    assert repr(job) == (
        "send_welcome {'email': 'ann@example.org'} in queue 'mail', due 60 s after its enqueue, priority 5, "
        "headers {'tenant': 'a'}"
    )


def test_they_come_in_the_order_of_claims_and_can_be_chosen(application: Application, connection: Any) -> None:
    for email, priority in (("a", 0), ("b", 5), ("c", 0)):
        application.send_welcome.using(priority=priority).enqueue(connection, email=email)
    application.greet.enqueue(connection, name="Ada")

    assert [job.payload.get("email") for job in enqueued(connection)] == [None, "b", "a", "c"]
    assert [job.payload["email"] for job in enqueued(connection, "send_welcome")] == ["b", "a", "c"]
    assert [job.job_type for job in enqueued(connection, queue_name="default")] == ["greet"]


def test_only_what_this_transaction_sees_counts(application: Application, connection: Any) -> None:
    application.greet.enqueue(connection, name="Ada")
    connection.rollback()

    assert enqueued(connection) == []
    assert_not_enqueued(connection, application.greet)


def test_a_job_is_found_by_task_type_payload_queue_and_count(application: Application, connection: Any) -> None:
    for name in ("Ada", "Ada", "Bob"):
        application.greet.enqueue(connection, name=name)

    assert len(assert_enqueued(connection, application.greet)) == 3
    assert len(assert_enqueued(connection, "greet", {"name": "Ada"}, count=2)) == 2
    assert_enqueued(connection, application.greet.job(name="Bob"), count=1)
    assert_enqueued(connection, "greet", queue_name="default", count=3)
    assert_not_enqueued(connection, application.greet, {"name": "Eve"})
    assert_not_enqueued(connection, "greet", queue_name="mail")
    assert_not_enqueued(connection, application.send_welcome)


def test_the_options_of_a_whole_job_have_to_fit(application: Application, connection: Any) -> None:
    task = application.send_welcome.using(process_in=60, priority=5, headers={"tenant": "a", "trace": "1"})
    task.enqueue(connection, email="a")
    expected = application.send_welcome.job(email="a")

    assert expected.queue == "mail"
    assert_enqueued(connection, expected)
    assert_enqueued(connection, application.send_welcome.using(process_in=timedelta(minutes=1)).job(email="a"))
    assert_enqueued(connection, application.send_welcome.using(headers={"tenant": "a"}).job(email="a"))
    for other in (
        {"process_in": 61}, {"process_at": NOON}, {"priority": 4}, {"queue": "slow"}, {"headers": {"tenant": "b"}},
        {"job_id": UUID4().generate()},
    ):  # fmt: skip
        assert_not_enqueued(connection, application.send_welcome.using(**other).job(email="a"))


def test_a_time_is_compared_as_the_row_has_it(application: Application, connection: Any) -> None:
    later = datetime.now(UTC) + timedelta(hours=1)
    application.greet.using(process_at=later).enqueue(connection, name="Ada")
    application.greet.using(process_at=NOON).enqueue(connection, name="Bob")  # the past means now

    assert_enqueued(connection, application.greet.using(process_at=later).job(name="Ada"))
    assert_enqueued(connection, application.greet.using(process_at=NOON).job(name="Bob"))
    assert_not_enqueued(connection, application.greet.using(process_at=later).job(name="Bob"))


def test_a_payload_is_compared_as_its_handler_gets_it(connection: Any) -> None:
    enqueue(connection, "remind", {"at": NOON, "ids": (1, 2)})

    assert_enqueued(connection, "remind", {"at": NOON, "ids": (1, 2)})
    assert_enqueued(connection, "remind", {"at": "2026-03-01T12:00:00Z", "ids": [1, 2]})
    assert_not_enqueued(connection, "remind", None)


def test_a_failure_lists_what_waits_instead(application: Application, connection: Any) -> None:
    application.greet.enqueue(connection, name="Bob")
    application.send_welcome.using(priority=5).enqueue(connection, email="ann@example.org")

    with pytest.raises(AssertionError) as raised:
        assert_enqueued(connection, application.greet, {"name": "Ada"})

    assert str(raised.value) == (
        "no waiting job is greet {'name': 'Ada'}; waiting are:\n"
        "  greet {'name': 'Bob'} in queue 'default'\n"
        "  send_welcome {'email': 'ann@example.org'} in queue 'mail', priority 5"
    )


def test_a_failure_says_when_there_is_nothing_or_too_much(application: Application, connection: Any) -> None:
    with pytest.raises(AssertionError, match=r"no job waits in .* at all"):
        assert_enqueued(connection, "greet")
    for n in range(25):
        application.greet.enqueue(connection, name=str(n))
    with pytest.raises(AssertionError, match=r"25 waiting jobs are greet, not 2(.|\n)*and 5 more"):
        assert_enqueued(connection, "greet", count=2)
    with pytest.raises(AssertionError, match=r"1 waiting job is greet \{'name': '3'\} in queue 'default', not 0"):
        assert_not_enqueued(connection, application.greet, {"name": "3"}, queue_name="default")


def test_a_failure_tells_of_jobs_that_have_run_already(application: Application, connection: Any) -> None:
    application.greet.enqueue(connection, name="Ada")
    drain(connection, application.tasks)

    with pytest.raises(AssertionError, match="jobs of this type in the archive: 1 success"):
        assert_enqueued(connection, "greet")


def test_a_payload_that_nobody_can_read_is_shown_as_it_is(connection: Any, database: PrivateDatabase) -> None:
    enqueue(connection, "greet", {"name": "Ada"})
    connection.cursor().execute(f"UPDATE {database.table('job')} SET payload = 'broken'")

    assert enqueued(connection)[0].payload == "broken"


def test_tables_and_serializer_of_ones_own(database: PrivateDatabase) -> None:
    class Shouting(JsonSerializer):
        def encode(self, data: Any) -> str:
            return super().encode(data).upper()

    tasks = Tasks(queue=Queue(tables=Tables(prefix="own_"), serializer=Shouting()))

    @tasks.task
    def greet(name: str) -> None: ...

    migrate(database.url, tasks.queue)
    with database.connection() as connection:
        greet.enqueue(connection, name="Ada")
        assert_enqueued(connection, greet, {"name": "Ada"})
        assert_enqueued(connection, greet.job(name="Ada"), queue=tasks)
        assert_enqueued(connection, "greet", {"NAME": "ADA"}, queue=tasks.queue)
        assert len(Jobs(connection, tasks).enqueued()) == 1
        assert enqueued(connection) == []
        with pytest.raises(AssertionError, match=f"no job waits in {database.table('job')} "):
            assert_enqueued(connection, greet.job(name="Ada"))  # it does not know its queue
        connection.rollback()


@pytest.mark.parametrize("job_ids", [UUID4(), DatabaseGenerated()], ids=["random", "generated"])
def test_ids_of_every_kind(job_ids: UUID4 | DatabaseGenerated, database: PrivateDatabase) -> None:
    tasks = Tasks(queue=Queue(tables=Tables(prefix=f"ids_{type(job_ids).__name__.lower()}_"), job_ids=job_ids))

    @tasks.task
    def greet(name: str) -> None: ...

    migrate(database.url, tasks.queue)
    with database.connection() as connection:
        job_id = greet.enqueue(connection, name="Ada")
        assert [job.job_id for job in enqueued(connection, greet)] == [job_id]
        assert_enqueued(connection, greet.using(job_id=job_id).job(name="Ada"), queue=tasks)
        assert [run.job_id for run in drain(connection, tasks)] == [job_id]
        connection.rollback()


def test_what_cannot_be_asked_for_is_refused(application: Application, connection: Any) -> None:
    with pytest.raises(ConfigurationError, match="already has its payload and queue"):
        assert_enqueued(connection, NewJob("greet"), {"name": "Ada"})
    with pytest.raises(ConfigurationError, match="is needed here, not 42"):
        assert_enqueued(connection, 42)  # type: ignore[arg-type]
