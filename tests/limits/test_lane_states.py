"""Lanes as people see them: a page at a time, with what runs, what waits, and until when nothing more starts."""

from __future__ import annotations

import threading
from typing import Any

from proletarian import Limit, NewJob, Retry, Tasks, set_limit
from proletarian.connections.database import Database
from proletarian.looking import lane_states as states
from proletarian.looking.lane_states import LaneRecord, lane_states
from proletarian.looking.records import Count
from proletarian.sql.limiting import LimitRecord, limits
from proletarian.sql.statements import Plan
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.workers import Workers


def seen(database: PrivateDatabase, **asked: Any) -> list[LaneRecord]:
    """Lanes under the limits in force."""
    own = Database(database.url)

    def plan() -> Plan[list[LaneRecord]]:
        known: dict[str, LimitRecord] = {one.name: one for one in (yield from limits(own.dialect))}
        return (yield from lane_states(own.dialect, None, known, **{"most": 50, **asked}))

    return own.run(plan())


def test_lanes_of_all_queues_come_page_by_page(database: PrivateDatabase) -> None:
    jobs = [("a", "smtp:2"), ("a", "smtp:2"), ("b", "smtp:2"), ("b", "smtp"), ("a", "smtp-eu:1"), ("c", "call:ü")]
    database.put(NewJob("send", queue="a"), *[NewJob("send", queue=queue, lane=lane) for queue, lane in jobs])

    assert [(one.lane, one.waiting, one.queues) for one in seen(database)] == [
        ("call:ü", 1, ("c",)),
        ("smtp", 1, ("b",)),
        ("smtp-eu:1", 1, ("a",)),
        ("smtp:2", 3, ("a", "b")),
    ]
    assert [one.lane for one in seen(database, most=2)] == ["call:ü", "smtp"]
    assert [one.lane for one in seen(database, most=2, after="smtp")] == ["smtp-eu:1", "smtp:2"]
    assert seen(database, after="smtp:2") == []
    assert [one.lane for one in seen(database, name="smtp")] == ["smtp", "smtp:2"]
    assert [one.lane for one in seen(database, name="smtp", after="smtp")] == ["smtp:2"]
    assert seen(database, name="sm") == []


def test_what_runs_what_is_full_and_what_waits_for_its_rate(
    workers: Workers, database: PrivateDatabase, tasks: Tasks
) -> None:
    end = threading.Event()

    @tasks.task(limit=Limit(1, per="account"))
    def send(account: int) -> None:
        end.wait(20)

    @tasks.task(limit=Limit(rate=1, seconds=3600, name="calls"))
    def call() -> None: ...

    @tasks.task(limit=Limit(1, ordered=True, name="ledger"), retry=Retry(3, delays=[900]))
    def book() -> None:
        raise ValueError("not yet")

    database.put(send.job(1), send.job(1), send.job(2), call.job(), call.job())
    [first, _] = database.put(book.job(), book.job())
    with workers.running(tasks, queues={"default": 8}):
        wait_until(lambda: database.count("running_job") == 2 and database.count("archived_job") == 1, what="runs")
        lanes = wait_until(
            lambda: next((found for found in [seen(database)] if found[1].blocked_by), None), what="a job to retry"
        )
        assert lanes is not None
        end.set()

    assert [(one.lane, one.limit, one.running, one.waiting) for one in lanes] == [
        ("calls", "calls", 0, 1),
        ("ledger", "ledger", 0, 2),
        ("send:1", "send", 1, 1),
        ("send:2", "send", 1, 0),
    ]
    assert 3500 < lanes[0].blocked_for <= 3600
    assert 800 < lanes[1].blocked_for <= 900
    assert str(lanes[1].blocked_by) == str(first)
    assert [one.blocked_for for one in lanes[2:]] == [0, 0]


def test_a_count_ends_and_says_so(sqlite: PrivateDatabase) -> None:
    sqlite.put(*[NewJob("send", lane="smtp") for _ in range(states.MOST_COUNTED + 5)])
    with sqlite.connection() as connection:
        set_limit(connection, "smtp", 2)
        connection.commit()
    [lane] = seen(sqlite)

    assert str(lane.waiting) == str(Count(states.MOST_COUNTED, is_exact=False)) == "1000+"
