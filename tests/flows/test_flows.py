"""Flows as an application sees them, on each of the four databases."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from proletarian import (
    ConfigurationError,
    Flow,
    Job,
    NewJob,
    Queue,
    Retry,
    Snooze,
    Tasks,
    Unique,
    cancel,
    delete_jobs,
    find_job,
    process_next_job,
    retry,
)
from proletarian.ids import UUID4, DatabaseGenerated
from proletarian.testing import drain
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


class Shop:
    """Tasks that write down what ran, and fail when they are told to."""

    def __init__(self, *, keeps: bool = False) -> None:
        self.tasks = Tasks()
        self.ran: list[str] = []
        self.failing: set[str] = set()
        self.results: dict[str, Any] = {}

        @self.tasks.task(keep_result=keeps)
        def do(job: Job, name: str) -> str:
            self.ran.append(name)
            self.results[name] = sorted(job.results.values())
            if name in self.failing:
                raise RuntimeError(f"{name} fails")
            return name.upper()

        self.do = do

    def job(self, name: str) -> NewJob:
        return self.do.job(name=name)


@pytest.fixture
def shop() -> Shop:
    return Shop()


@pytest.fixture
def keeping() -> Shop:
    """What is waited for by jobs that came later keeps its result only if it is asked to."""
    return Shop(keeps=True)


def enqueued(database: PrivateDatabase, flow: Flow) -> list[Any]:
    with database.connection() as connection:
        job_ids = flow.enqueue(connection)
        connection.commit()
        return job_ids


def states(database: PrivateDatabase, *members: Any) -> list[str | None]:
    with database.connection() as connection:
        found = [find_job(connection, getattr(member, "job_id", member)) for member in members]
        return [None if record is None else record.state for record in found]


def reason(database: PrivateDatabase, member: Any) -> str:
    with database.connection() as connection:
        record = find_job(connection, member.job_id)
        assert record is not None
        return str(record.errors[-1]["message"])


def is_empty(database: PrivateDatabase) -> None:
    """Nothing is left of what was waited for, but the edges of jobs that are there."""
    assert [database.count(table) for table in ("held_job", "wait_over", "late_dependency")] == [0, 0, 0]


def test_a_chain_runs_in_order(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    last = None
    for name in "abcde":
        last = flow.add(shop.job(name), after=[last] if last else [])
    enqueued(database, flow)
    assert workers.drain(shop.tasks) == 5

    assert shop.ran == list("abcde")
    assert shop.results == {"a": [], "b": ["A"], "c": ["B"], "d": ["C"], "e": ["D"]}
    is_empty(database)


def test_many_run_before_the_one_that_waits_for_them(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    parts = [flow.add(shop.job(str(n))) for n in range(30)]
    book = flow.add(shop.job("book"), after=parts)
    flow.add(shop.job("tell"), after=[book])
    enqueued(database, flow)
    with database.connection() as connection:
        record = find_job(connection, book.job_id)
        assert record is not None
        assert record.state == "held"
        assert str(record.why).startswith("it waits for 30 jobs: ")
        assert sorted(record.after) == sorted(part.job_id for part in parts)
        assert len(record.before) == 1
    assert workers.drain(shop.tasks, queues={"default": 10}) == 32

    assert shop.ran[-2:] == ["book", "tell"]
    assert sorted(shop.ran[:-2]) == sorted(map(str, range(30)))
    assert shop.results["book"] == sorted(map(str, range(30)))
    is_empty(database)


def test_a_diamond(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    top = flow.add(shop.job("top"))
    left, right = (flow.add(shop.job(side), after=[top]) for side in ("left", "right"))
    flow.add(shop.job("bottom"), after=[left, right, top])
    enqueued(database, flow)
    workers.drain(shop.tasks)

    assert (shop.ran[0], shop.ran[-1], len(shop.ran)) == ("top", "bottom", 4)
    assert shop.results["bottom"] == ["LEFT", "RIGHT", "TOP"]


def test_a_flow_that_is_rolled_back_leaves_nothing(database: PrivateDatabase, shop: Shop) -> None:
    flow = Flow()
    first = flow.add(shop.job("a"))
    flow.add(shop.job("b"), after=[first])
    with database.connection() as connection:
        flow.enqueue(connection)
        connection.rollback()
        assert [database.count(name) for name in ("job", "held_job", "dependency")] == [0, 0, 0]
        flow.enqueue(connection)
        connection.commit()
    assert states(database, first) == ["waiting"]


def test_a_failure_cancels_what_waits_for_it_and_what_waits_for_that(
    database: PrivateDatabase, workers: Workers, shop: Shop
) -> None:
    flow = Flow()
    bad, good = flow.add(shop.job("bad")), flow.add(shop.job("good"))
    second = flow.add(shop.job("second"), after=[bad, good])
    third = flow.add(shop.job("third"), after=[second])
    anyway = flow.add(shop.job("anyway"), after=[third, good], if_failed="run")
    shop.failing = {"bad"}
    enqueued(database, flow)
    workers.drain(shop.tasks)

    assert states(database, bad, good, second, third, anyway) == [
        "failed", "succeeded", "cancelled", "cancelled", "succeeded",
    ]  # fmt: skip
    assert reason(database, second) == f"it waited for job {bad.job_id}, which failed"
    assert reason(database, third) == f"it waited for job {second.job_id}, which was cancelled"
    assert shop.results["anyway"] == ["GOOD"]
    assert [said["reason"] for said in workers.recorder.of("job.cancelled")] == [
        reason(database, second), reason(database, third),
    ]  # fmt: skip
    is_empty(database)


def test_a_retry_holds_again_what_was_cancelled(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    bad, good = flow.add(shop.job("bad")), flow.add(shop.job("good"))
    second = flow.add(shop.job("second"), after=[bad, good])
    third = flow.add(shop.job("third"), after=[second])
    shop.failing = {"bad"}
    enqueued(database, flow)
    workers.drain(shop.tasks)
    shop.failing = set()
    with database.connection() as connection:
        assert retry(connection, bad.job_id) == 1
        connection.commit()
    assert states(database, bad, second, third) == ["waiting", "held", "held"]
    workers.drain(shop.tasks)

    assert states(database, bad, second, third) == ["succeeded"] * 3
    assert shop.ran[-3:] == ["bad", "second", "third"]
    assert shop.results["second"] == ["BAD", "GOOD"]
    is_empty(database)


def test_a_retry_that_fails_again_cancels_again(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    bad, worse = flow.add(shop.job("bad")), flow.add(shop.job("worse"))
    second = flow.add(shop.job("second"), after=[bad, worse])
    shop.failing = {"bad", "worse"}
    enqueued(database, flow)
    workers.drain(shop.tasks)
    for mended, state in (("bad", "cancelled"), ("worse", "succeeded")):
        shop.failing -= {mended}
        with database.connection() as connection:
            retry(connection, {"bad": bad, "worse": worse}[mended].job_id)
            connection.commit()
        workers.drain(shop.tasks)
        assert states(database, second) == [state]
    is_empty(database)


def test_one_that_people_cancelled_is_not_held_again(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    bad = flow.add(shop.job("bad"))
    second = flow.add(shop.job("second"), after=[bad])
    shop.failing = {"bad"}
    enqueued(database, flow)
    with database.connection() as connection:
        assert cancel(connection, second.job_id, reason="not wanted") == (1, 0, 0, 0)
        connection.commit()
    workers.drain(shop.tasks)
    with database.connection() as connection:
        retry(connection, bad.job_id)
        connection.commit()
    assert states(database, bad, second) == ["waiting", "cancelled"]
    assert reason(database, second) == "not wanted"


@pytest.mark.parametrize("how", ["cancel", "delete"])
def test_an_awaited_job_that_people_cancel_or_delete(
    database: PrivateDatabase, workers: Workers, shop: Shop, how: str
) -> None:
    flow = Flow()
    first = flow.add(shop.job("first"))
    second = flow.add(shop.job("second"), after=[first])
    third = flow.add(shop.job("third"), after=[second])
    enqueued(database, flow)
    with database.connection() as connection:
        if how == "cancel":
            cancel(connection, first.job_id)
        else:
            assert delete_jobs(connection, first.job_id) == 1
        connection.commit()
    workers.drain(shop.tasks)

    assert states(database, second, third) == ["cancelled", "cancelled"]
    what = "was cancelled" if how == "cancel" else "no longer exists"
    assert reason(database, second) == f"it waited for job {first.job_id}, which {what}"
    assert shop.ran == []
    is_empty(database)


def test_a_held_job_that_people_delete(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    flow = Flow()
    first = flow.add(shop.job("first"))
    second = flow.add(shop.job("second"), after=[first])
    third = flow.add(shop.job("third"), after=[second])
    enqueued(database, flow)
    with database.connection() as connection:
        assert delete_jobs(connection, second.job_id) == 1
        connection.commit()
    workers.drain(shop.tasks)

    assert states(database, first, second, third) == ["succeeded", None, "cancelled"]
    is_empty(database)


def test_after_a_job_that_is_there_already(database: PrivateDatabase, workers: Workers, keeping: Shop) -> None:
    with database.connection() as connection:
        first = keeping.do.enqueue(connection, "first")
        connection.commit()
        second = keeping.do.using(after=[first]).enqueue(connection, "second")
        third = keeping.do.using(after=[second]).enqueue(connection, "third")
        connection.commit()
        assert states(database, first, second, third) == ["waiting", "held", "held"]
    assert workers.drain(keeping.tasks) == 3

    assert keeping.ran == ["first", "second", "third"]
    assert keeping.results["third"] == ["SECOND"]
    is_empty(database)


def test_after_a_job_that_has_ended_already(database: PrivateDatabase, workers: Workers, shop: Shop) -> None:
    shop.failing = {"bad"}
    with database.connection() as connection:
        good, bad = shop.do.enqueue(connection, "good"), shop.do.enqueue(connection, "bad")
        connection.commit()
        workers.drain(shop.tasks)
        flow = Flow()
        at_once = flow.add(shop.job("at once"), after=[good])
        in_vain = flow.add(shop.job("in vain"), after=[good, bad])
        behind = flow.add(shop.job("behind"), after=[in_vain])
        anyway = flow.add(shop.job("anyway"), after=[bad, behind], if_failed="run")
        flow.enqueue(connection)
        connection.commit()
        assert states(database, at_once, in_vain, behind, anyway) == ["waiting", "cancelled", "cancelled", "waiting"]
    assert reason(database, in_vain) == f"it waited for job {bad}, which failed"
    workers.drain(shop.tasks)

    assert states(database, at_once, anyway) == ["succeeded", "succeeded"]
    assert shop.results["anyway"] == []
    wait_until(lambda: workers.drain(shop.tasks) == 0 and not database.count("late_dependency"), what="tidiness")
    is_empty(database)


def test_a_dependent_enqueued_while_the_awaited_job_ends(
    database: PrivateDatabase, workers: Workers, shop: Shop
) -> None:
    """The acknowledgement cannot see the edge of a transaction that is open, and nobody waits for it."""
    with database.connection() as connection:
        first = shop.do.enqueue(connection, "first")
        connection.commit()
        with workers.running(shop.tasks, poll_interval=0.1):
            if database.kind == "sqlite":
                workers.archived()
                shop.do.using(after=[first]).enqueue(connection, "second")
            else:
                shop.do.using(after=[first]).enqueue(connection, "second")
                workers.archived()
            connection.commit()
            workers.archived(2)
    assert shop.ran == ["first", "second"]


def test_what_cannot_be_a_flow_is_refused(sqlite: PrivateDatabase, shop: Shop) -> None:
    flow = Flow()
    first = flow.add(shop.do.using(job_id="00000000-0000-0000-0000-000000000001").job("a"), after=[UUID4().generate()])
    with sqlite.connection() as connection:
        with pytest.raises(ConfigurationError, match="is to be waited for, but does not exist"):
            flow.enqueue(connection)
        one, two = UUID4().generate(), UUID4().generate()
        circle = [shop.do.using(job_id=one, after=[two]).job("a"), shop.do.using(job_id=two, after=[one]).job("b")]
        with pytest.raises(ConfigurationError, match="these jobs wait for each other") as raised:
            Queue().enqueue_many(connection, circle)
        assert str(one) in str(raised.value)
        with pytest.raises(ConfigurationError, match="these jobs wait for each other"):
            shop.do.using(job_id=one, after=[one]).enqueue(connection, "a")
        with pytest.raises(ConfigurationError, match="not 'seven'"):
            shop.do.using(after=["seven"]).enqueue(connection, "a")
    for wrong in ({"after": "abc"}, {"after": 7}, {"if_failed": "stop"}):
        with pytest.raises(ConfigurationError):
            shop.do.using(**wrong)
    with pytest.raises(ConfigurationError, match="unique"):
        flow.add(NewJob("a", unique="x"), after=[first])
    with pytest.raises(ConfigurationError, match="already in this flow"):
        flow.add(first.job)
    with pytest.raises(ConfigurationError, match="generated by the"):
        Flow(Queue(job_ids=DatabaseGenerated())).add(shop.job("a"))
    with pytest.raises(ConfigurationError, match="needs a Queue or Tasks"):
        Flow(sqlite)  # type: ignore[arg-type]
    assert sqlite.count("job") == sqlite.count("held_job") == 0


def test_then_is_enqueued_with_the_archive_or_not_at_all(database: PrivateDatabase, workers: Workers) -> None:
    tasks, ran = Tasks(retry=Retry(1, delays=[0])), []

    @tasks.task
    def receipt(order: int) -> None:
        ran.append(("receipt", order))

    @tasks.task
    def charge(job: Job, order: int, how: str) -> None:
        job_id = job.then(receipt.job(order=order))
        assert job_id is not None
        ran.append(("charge", order))
        if how == "fails":
            raise RuntimeError("no")
        if how == "snoozes" and ran.count(("charge", order)) == 1:
            raise Snooze(0)
        if how == "completes":
            with database.connection() as connection:
                job.complete(connection)
                assert database.count("job") == 0
                connection.commit()

    with database.connection() as connection:
        for order, how in enumerate(("succeeds", "fails", "snoozes")):
            charge.enqueue(connection, order=order, how=how)
        connection.commit()
    workers.drain(tasks)
    assert sorted(order for what, order in ran if what == "receipt") == [0, 2]
    with database.connection() as connection:
        charge.enqueue(connection, order=3, how="completes")
        connection.commit()
    if database.kind != "sqlite":
        workers.drain(tasks)
        assert ("receipt", 3) in ran


def test_then_of_a_run_that_was_taken_back_is_not_enqueued(
    database: PrivateDatabase, workers: Workers, recorder: Any
) -> None:
    tasks, started, go_on = Tasks(), threading.Event(), threading.Event()

    @tasks.task
    def charge(job: Job) -> None:
        job.then(NewJob("receipt"))
        started.set()
        assert go_on.wait(60)

    with database.connection() as connection:
        charge.enqueue(connection)
        connection.commit()
    with workers.running(tasks):
        assert started.wait(60)
        database.rows(f"UPDATE {database.table('running_job')} SET run_id = run_id + 1000")  # somebody else's now
        go_on.set()
        recorder.wait_for("job.lease_lost")
    assert database.rows(f"SELECT count(*) FROM {database.table('job')} WHERE job_type = 'receipt'") == [(0,)]


def test_flows_run_on_one_connection_too(database: PrivateDatabase, keeping: Shop) -> None:
    flow = Flow()
    first = flow.add(keeping.job("first"))
    second = flow.add(keeping.job("second"), after=[first])
    with database.connection() as connection:
        flow.enqueue(connection)
        keeping.do.using(after=[second.job_id]).enqueue(connection, "third")
        assert [run.outcome for run in drain(connection, keeping.tasks)] == ["succeeded"] * 3
        connection.rollback()
        flow.enqueue(connection)
        for _ in range(2):
            assert process_next_job(connection, keeping.tasks)
        assert not process_next_job(connection, keeping.tasks)
        connection.commit()
    assert keeping.ran == ["first", "second", "third", "first", "second"]
    assert keeping.results["third"] == ["SECOND"]


def test_unique_jobs_may_be_in_the_same_call(database: PrivateDatabase, shop: Shop) -> None:
    with database.connection() as connection:
        first = shop.do.enqueue(connection, "first")
        jobs = [
            shop.do.using(unique=Unique("name")).job("one"),
            shop.do.using(after=[first]).job("two"),
            shop.job("three"),
        ]
        one, two, three = Queue().enqueue_many(connection, jobs)
        connection.commit()
    assert states(database, one, two, three) == ["waiting", "held", "waiting"]
