"""Jobs under a limit that people pause, cancel, reschedule and retry, and those that wait for others."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest

from proletarian import (
    Cancel,
    Flow,
    Job,
    Limit,
    Retry,
    Snooze,
    Tasks,
    cancel,
    delete_jobs,
    find_job,
    pause,
    reschedule,
    resume,
    retry,
)
from tests.databases import PrivateDatabase
from tests.limits.overlap import Overlap
from tests.waiting import wait_until
from tests.worker.workers import Workers

LATER = Retry(3, delays=[3600])


@pytest.fixture
def overlap() -> Overlap:
    """What runs at the same time."""
    return Overlap()


def test_a_paused_queue_starts_nothing_of_its_lanes_until_it_is_resumed(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    gate = threading.Event()

    @tasks.task(limit=Limit(2, per="account"), queue="mail")
    def send(account: int) -> None:
        with overlap.at_work(account):
            gate.wait(20)

    @tasks.task
    def plain() -> None: ...

    database.put(*[send.job(account) for account in (1, 2) for _ in range(4)])
    with workers.running(tasks), database.connection() as connection:
        wait_until(lambda: len(overlap.began) == 4, what="two of each")
        pause(connection, "mail")
        connection.commit()
        time.sleep(1.2)  # it holds from a second after the commit
        gate.set()
        workers.archived(4)
        database.put(plain.job())
        workers.archived(5)  # it has claimed since the places were free
        assert len(overlap.began) == 4
        resume(connection, "mail")
        connection.commit()
        workers.archived(9)

    assert dict(overlap.most) == {1: 2, 2: 2}


def test_however_a_run_ends_the_next_of_its_lane_starts(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    began = threading.Event()

    def work(job: Job, how: str, first: bool = False) -> None:
        with overlap.at_work(how):
            if first and how in ("fails", "is tried again"):
                raise ValueError(how)
            if first and how == "snoozes":
                raise Snooze(3600)
            if first and how == "gives up":
                raise Cancel("pointless")
            if first and how == "is cancelled":
                began.set()
                job.stopping.wait(20)
                raise InterruptedError

    states = {
        "succeeds": "succeeded", "fails": "failed", "is tried again": "scheduled", "snoozes": "scheduled",
        "gives up": "cancelled", "is cancelled": "cancelled",
    }  # fmt: skip
    one = Limit(1, per="how", name="one")
    once = tasks.task(name="once", limit=one)(work)
    often = tasks.task(name="often", limit=one, retry=LATER)(work)
    firsts = database.put(*[(often if how == "is tried again" else once).job(how, first=True) for how in states])
    database.put(*[once.job(how) for how in states for _ in range(2)])
    with workers.running(tasks), database.connection() as connection:
        assert began.wait(20)
        assert cancel(connection, firsts[-1]).asked == 1
        connection.commit()
        workers.archived(3 * len(states) - 2)
        records = [find_job(connection, job_id) for job_id in firsts]

    assert [record.state for record in records if record] == list(states.values())
    assert set(overlap.most.values()) == {1}
    assert database.count("running_job") == 0


def test_a_run_that_is_given_back_frees_its_place_and_goes_on_elsewhere(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    began = threading.Event()

    @tasks.task(limit=Limit(1, per="account"))
    async def send(account: int) -> None:
        with overlap.at_work(account):
            if not began.is_set():
                began.set()
                await asyncio.sleep(60)

    database.put(*[send.job(1) for _ in range(3)])
    with workers.running(tasks, stop_timeout=0.1):
        assert began.wait(20)
    assert database.count("running_job") == 0
    with workers.running(tasks):
        workers.archived(3)

    assert overlap.most[1] == 1
    assert len(overlap.began) == 4


def test_a_job_that_is_rescheduled_holds_up_its_ordered_lane_no_longer(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    failed = False

    @tasks.task(limit=Limit(1, ordered=True, per="account"), retry=LATER)
    def book(account: int, n: int) -> None:
        nonlocal failed
        with overlap.at_work(account, n):
            if n == 0 and not failed:
                failed = True
                raise ValueError("not yet")

    first, *_ = database.put(*[book.job(1, n) for n in range(3)])
    with workers.running(tasks), database.connection() as connection:
        workers.recorder.wait_for("job.retrying")
        assert reschedule(connection, first, process_in=3600) == 1
        connection.commit()
        workers.archived(2)
        assert overlap.order(1) == [0, 1, 2]
        assert reschedule(connection, first, process_in=0) == 1
        connection.commit()
        workers.archived(3)

    assert overlap.order(1) == [0, 1, 2, 0]


def test_a_retry_from_the_archive_goes_back_into_its_lane(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    gate = threading.Event()
    fails = True

    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None:
        with overlap.at_work(account):
            if fails:
                raise ValueError("not yet")
            gate.wait(20)

    failed = database.put(*[send.job(1) for _ in range(3)])
    with workers.running(tasks), database.connection() as connection:
        workers.archived(3)
        fails = False
        assert retry(connection, "type:send") == 3
        connection.commit()
        wait_until(lambda: len(overlap.began) == 4, what="one of them")
        waiting = [
            record for job_id in failed if (record := find_job(connection, job_id)) and record.state == "waiting"
        ]
        assert [(record.lane, record.why.code) for record in waiting if record.why] == [("send:1", "limit")] * 2
        assert delete_jobs(connection, waiting[0].job_id) == 1
        connection.commit()
        gate.set()
        workers.archived(2)

    assert overlap.most[1] == 1
    assert len(overlap.began) == 5


def test_members_of_a_flow_and_the_job_that_waits_for_them_are_in_their_lanes(
    workers: Workers, database: PrivateDatabase, overlap: Overlap, tasks: Tasks
) -> None:
    @tasks.task(limit=Limit(2, per="account"))
    def part(account: int) -> None:
        with overlap.at_work(account):
            time.sleep(0.005)

    @tasks.task(limit=Limit(1, name="end"))
    def end() -> None:
        with overlap.at_work("end"):
            time.sleep(0.005)

    flow = Flow(tasks)
    parts = [flow.add(part.job(n % 2)) for n in range(12)]
    ends = [flow.add(end.job(), after=parts) for _ in range(3)]
    with database.connection() as connection:
        flow.enqueue(connection)
        connection.commit()
        assert [record.lane for one in ends if (record := find_job(connection, one.job_id))] == ["end"] * 3
        connection.commit()
    with workers.running(tasks, queues={"default": 8}):
        workers.archived(15)

    assert all(most <= 2 for most in overlap.most.values())
    assert overlap.most["end"] == 1
    assert [key for _, key, _ in overlap.began[-3:]] == ["end"] * 3
