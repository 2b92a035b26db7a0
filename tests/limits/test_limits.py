"""Limits as an application has them: tasks that declare them, workers that hold to them."""

from __future__ import annotations

import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from proletarian import ConfigurationError, Limit, NewJob, Retry, Tasks, process_next_job
from proletarian.testing import drain
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.limits.overlap import Overlap
from tests.waiting import wait_until
from tests.worker.workers import Workers


@pytest.fixture
def overlap() -> Overlap:
    """What runs at the same time."""
    return Overlap()


def test_a_task_runs_no_more_at_a_time_than_its_limit(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(2, per="account"))
    def send(account: int) -> None:
        with overlap.at_work(account):
            time.sleep(0.01)

    with database.connection() as connection:
        tasks.queue.enqueue_many(connection, [send.job(account=n % 3) for n in range(30)])
        connection.commit()
    with workers.running(tasks, queues={"default": 8}), workers.running(tasks, queues={"default": 8}):
        workers.archived(30)

    assert overlap.most.keys() == {0, 1, 2}
    assert max(overlap.most.values()) == 2


def test_an_ordered_lane_begins_in_the_order_of_enqueue_whatever_fails(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    failed: set[int] = set()

    @tasks.task(limit=Limit(1, ordered=True, per="account"), retry=Retry(3, delays=[0.05]))
    def book(account: str, number: int) -> None:
        with overlap.at_work(account, number):
            if number % 3 == 1 and number not in failed:
                failed.add(number)
                raise ValueError("not yet")

    with database.connection() as connection:
        for number in range(10):
            book.enqueue(connection, account="a", number=number)
            book.enqueue(connection, account="b", number=number)
        connection.commit()
    with workers.running(tasks), workers.running(tasks):
        workers.archived(20)

    for account in "ab":
        begun = overlap.order(account)
        assert begun == sorted(begun, key=str)
        assert set(begun) == set(range(10))
        assert overlap.most[account] == 1
    assert len(overlap.began) == 20 + len(failed)


def test_a_rate_is_kept(workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks) -> None:
    @tasks.task(limit=Limit(rate=100, seconds=1, burst=3))
    def call() -> None:
        with overlap.at_work("call"):
            pass

    with database.connection() as connection:
        tasks.queue.enqueue_many(connection, [call.job() for _ in range(40)])
        connection.commit()
    with workers.running(tasks), workers.running(tasks):
        workers.archived(40)

    began = [at for at, _, _ in overlap.began]
    for first in range(len(began)):
        for last in range(first + 1, len(began)):
            # A handler may begin a little later than it was counted: a thread has to wake up.
            assert last - first + 1 <= 100 * (began[last] - began[first] + 0.05) + 3


def test_a_full_lane_blocks_nobody_else(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(1, per="account"))
    def send(account: str) -> None:
        with overlap.at_work(account):  # one stands still until all others are through
            if account == "slow":
                wait_until(lambda: database.count("archived_job") >= 21, what="all others")

    @tasks.task
    def plain() -> None: ...

    with database.connection() as connection:
        tasks.queue.enqueue_many(
            connection,
            [send.job(account="slow") for _ in range(2)] + [send.job(account=f"a{n}") for n in range(20)]
            + [plain.job()],
        )  # fmt: skip
        connection.commit()
    with workers.running(tasks, queues={"default": 3}):
        workers.archived(23)


def test_a_job_that_came_by_name_goes_into_its_lane(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int = 7) -> None:
        with overlap.at_work(account):
            time.sleep(0.005)

    with database.connection() as connection:
        tasks.queue.enqueue_many(connection, [NewJob("send", {"account": n % 2} if n < 8 else {}) for n in range(10)])
        connection.commit()
    with workers.running(tasks, queues={"default": 8}):
        workers.archived(10)

    assert dict(overlap.most) == {0: 1, 1: 1, 7: 1}


def test_tasks_share_a_limit_by_its_name_and_a_queue_has_one_of_its_own(
    workers: Workers, database: PrivateDatabase, overlap: Overlap
) -> None:
    tasks = Tasks(limits={"slow": Limit(2)})
    smtp = Limit(1, name="smtp")

    @tasks.task(limit=smtp)
    def welcome() -> None:
        with overlap.at_work("smtp"):
            time.sleep(0.005)

    @tasks.task(limit=smtp, queue="slow")
    def remind() -> None:
        with overlap.at_work("smtp"):
            time.sleep(0.005)

    @tasks.task(queue="slow")
    def crawl() -> None:
        with overlap.at_work("slow"):
            time.sleep(0.1)  # long enough for two of them to meet

    with database.connection() as connection:
        tasks.queue.enqueue_many(
            connection, [job for _ in range(6) for job in (welcome.job(), remind.job(), crawl.job())]
        )
        connection.commit()
    assert {row[0] for row in database.rows(f"SELECT DISTINCT lane FROM {database.table('job')}")} == {"smtp", "slow"}
    with workers.running(tasks):
        workers.archived(18)

    assert dict(overlap.most) == {"smtp": 1, "slow": 2}


def test_a_task_s_own_limit_takes_the_place_of_its_queue_s_and_a_lane_by_name_that_of_both(
    workers: Workers, database: PrivateDatabase, overlap: Overlap
) -> None:
    tasks = Tasks(limits={"mail": Limit(1), "other": Limit(3)})

    @tasks.task(queue="mail", limit=Limit(4, per="account"))
    def send(account: int) -> None:
        with overlap.at_work("send"):
            wait_until(lambda: overlap.most["send"] == 4, what="four at once, though the queue has a limit of one")

    @tasks.task(queue="mail")
    def count() -> None:
        with overlap.at_work("mail"):
            time.sleep(0.01)

    named = [NewJob("send", {"account": 7}, queue="mail"), NewJob("count", {}, queue="mail")]  # as from elsewhere
    jobs = [*[send.job(7) for _ in range(5)], *[count.job() for _ in range(4)], count.using(queue="other").job()]
    jobs += [count.using(lane="other:1").job(), send.using(lane="other:1").job(7)]
    assert [job.lane for job in jobs] == ["send:7"] * 5 + ["mail"] * 4 + ["other", "other:1", "other:1"]
    database.put(*named, *jobs)
    with workers.running(tasks, queues={"mail": 10, "other": 2}):
        workers.archived(len(jobs) + 2)

    lanes = Counter(lane for (lane,) in database.archive("lane"))
    assert lanes == {"send:7": 6, "mail": 5, "other": 1, "other:1": 2}


def test_a_drain_runs_what_can_start_now(workers: Workers, database: PrivateDatabase, tasks: Tasks) -> None:
    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None: ...

    @tasks.task(limit=Limit(rate=1, seconds=3600, burst=2))
    def seldom() -> None: ...

    with database.connection() as connection:
        tasks.queue.enqueue_many(connection, [send.job(account=n % 3) for n in range(9)])
        tasks.queue.enqueue_many(connection, [seldom.job() for _ in range(5)])
        connection.commit()

    assert workers.drain(tasks) == 11
    assert database.count("job") == 3


def test_what_cannot_be_is_refused() -> None:
    tasks = Tasks()
    for make in (
        lambda: Limit(), lambda: Limit(0), lambda: Limit(2, ordered=True), lambda: Limit(2, burst=1),
        lambda: Limit(2, name="a:b"), lambda: Limit(rate=0), lambda: Limit(2, per=""), lambda: Limit(2, seconds=0),
        lambda: Tasks(limits={"mail": 2}),  # type: ignore[dict-item]
        lambda: tasks.task(limit=2),  # type: ignore[call-overload]
        lambda: Tasks(limits=Limit(2)),  # type: ignore[arg-type]
    ):  # fmt: skip
        with pytest.raises(ConfigurationError):
            make()
    for two in (
        lambda: tasks.task(limit=[Limit(2, per="account"), Limit(20)]),  # type: ignore[call-overload]
        lambda: Tasks(limits={"mail": (Limit(2), Limit(rate=5))}),  # type: ignore[dict-item]
    ):
        with pytest.raises(
            ConfigurationError, match=r"a job has one only, not 2: .* the slots of its workers bound them"
        ):
            two()

    @tasks.task(limit=Limit(1, name="smtp"))
    def one() -> None: ...

    with pytest.raises(ConfigurationError, match="two limits are named 'smtp'"):

        @tasks.task(limit=Limit(2, name="smtp"))
        def two() -> None: ...

    with pytest.raises(ConfigurationError, match="is limited per 'account', but has no such parameter"):

        @tasks.task(limit=Limit(2, per="account"))
        def three(number: int) -> None: ...

    with pytest.raises(ConfigurationError, match="ordered by its limit, and a priority"):

        @tasks.task(limit=Limit(1, ordered=True), priority=3)
        def four() -> None: ...


def test_one_job_in_this_thread_holds_to_limits_too(database: PrivateDatabase, tasks: Tasks) -> None:
    ran: list[str] = []

    @tasks.task(limit=Limit(rate=1, seconds=3600, per="account"))
    def send(account: str) -> None:
        ran.append(account)

    database.put(send.job("a"), send.job("a"), NewJob("send", {"account": "b"}), NewJob("send", {"account": "a"}))
    with database.connection() as connection:
        assert sorted(run.job_type for run in drain(connection, tasks)) == ["send", "send"]
        connection.rollback()
    while process_next_job(database.url, tasks):
        pass

    assert sorted(ran) == ["a", "a", "b", "b"]
    assert database.count("job") == 2


@pytest.mark.parametrize("product", ["postgresql", "mariadb", "mysql"])  # SQLite has one writer, who is waited for
def test_one_job_is_found_although_another_has_its_lane_at_that_moment(
    product: str, database_of: DatabaseOf, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(2, per="account"))
    def send(account: str) -> None: ...

    database = database_of(product)
    database.put(send.job("a"))
    with ThreadPoolExecutor() as threads, database.connection() as connection:
        connection.cursor().execute(f"INSERT INTO {database.table('lane')} (lane) VALUES ('send:a')")
        connection.commit()
        connection.cursor().execute(f"SELECT 1 FROM {database.table('lane')} FOR UPDATE")
        found = threads.submit(process_next_job, database.url, tasks)
        wait_until(lambda: database.count("worker") == 1, what="somebody who looks for a job")
        time.sleep(0.3)  # that is the fault: a lane that is locked for longer than a look takes
        connection.rollback()
        assert found.result(60)
