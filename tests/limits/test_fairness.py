"""Nobody is starved: tenants share what there is, whatever some of them have waiting."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from proletarian import Limit, Tasks
from tests.databases import PrivateDatabase
from tests.limits.overlap import Overlap
from tests.waiting import wait_until
from tests.worker.workers import Workers

SMALL, LARGE = 300, 1500


def test_ten_tenants_share_equally_though_one_has_a_large_backlog(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    overlap = Overlap()

    @tasks.task(limit=Limit(20, per="tenant"))
    def work(tenant: int) -> None:
        with overlap.at_work(tenant):
            time.sleep(0.02)  # shorter ones come by the hundred, and take turns by the hundred

    database.put(*[work.job(0) for _ in range(LARGE)])
    database.put(*[work.job(tenant) for tenant in range(1, 10) for _ in range(SMALL)])
    with workers.running(tasks, queues={"default": 5}), workers.running(tasks, queues={"default": 5}):
        wait_until(lambda: len(overlap.began) >= SMALL * 9, what="all of the small ones, in an equal share")

    share = SMALL * 8 // 10  # of the first ones each tenant has a tenth: nobody has run out of jobs by then
    starts = Counter(tenant for _, tenant, _ in overlap.began[: share * 10])
    assert len(starts) == 10
    assert all(0.8 * share <= count <= 1.2 * share for count in starts.values()), starts


@pytest.mark.parametrize("slots", [3, 7])
def test_a_worker_with_fewer_slots_than_there_are_tenants_goes_round_evenly(
    workers: Workers, database: PrivateDatabase, tasks: Tasks, slots: int
) -> None:
    """Those at the end of a round do not share what the first ones of the next could have."""
    overlap = Overlap()

    @tasks.task(limit=Limit(20, per="tenant"))
    def work(tenant: int) -> None:
        with overlap.at_work(tenant):
            time.sleep(0.02)

    database.put(*[work.job(tenant) for tenant in range(10) for _ in range(60)])
    with workers.running(tasks, queues={"default": slots}):
        wait_until(lambda: len(overlap.began) >= 300, what="half of all jobs")

    starts = Counter(tenant for _, tenant, _ in overlap.began[:300])
    assert len(starts) == 10
    assert all(25 <= count <= 35 for count in starts.values()), starts


def test_a_new_tenant_behind_a_large_backlog_starts_soon(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    overlap = Overlap()

    @tasks.task(limit=Limit(2, per="tenant"))
    def work(tenant: str) -> None:
        with overlap.at_work(tenant):
            time.sleep(0.002)

    database.put(*[work.job("large") for _ in range(LARGE)], *[work.job("other") for _ in range(LARGE)])
    with workers.running(tasks, queues={"default": 3}):
        wait_until(lambda: len(overlap.began) > 20, what="the backlog")
        database.put(work.job("new"))
        before = len(overlap.began)
        wait_until(lambda: overlap.order("new"), what="the new tenant")
        after = next(n for n, (_, tenant, _) in enumerate(overlap.began) if tenant == "new") - before

    assert after < 200, "it came long before its place in the queue"


def test_plain_jobs_and_lanes_have_turns(workers: Workers, database: PrivateDatabase, tasks: Tasks) -> None:
    overlap = Overlap()

    @tasks.task(limit=Limit(100, per="tenant"))
    def limited(tenant: int) -> None:
        with overlap.at_work("limited"):
            time.sleep(0.01)

    @tasks.task
    def plain() -> None:
        with overlap.at_work("plain"):
            time.sleep(0.01)

    database.put(*[limited.job(n % 7) for n in range(300)], *[plain.job() for _ in range(300)])
    with workers.running(tasks, queues={"default": 2}):
        wait_until(lambda: len(overlap.began) > 200, what="some of both")

    starts = Counter(kind for _, kind, _ in overlap.began[:200])
    assert min(starts["plain"], starts["limited"]) > 20, starts
