"""Workers that are killed at any moment: no tick is fired twice, and none is left out."""

from __future__ import annotations

import contextlib
import json
import random
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from servers import Galera, MariaDB, PgBouncer, Unavailable
from tests.databases import MORE, PrivateDatabase
from tests.schedules.clockwork import KEPT, TENTHS
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 1}, "heartbeat": 0.5, "lost_after": 3.0}
KILLS = 5


@pytest.fixture
def crew(tmp_path: Path) -> Iterator[Fleet]:
    """Worker processes with schedules; all are ended with the test."""
    fleet = Fleet(tmp_path, "tests.schedules.clockwork")
    try:
        yield fleet
    finally:
        fleet.end()


def ticks(database: PrivateDatabase) -> dict[str, list[datetime]]:
    """The ticks that were fired, by schedule: a job for each, in a queue that nobody serves."""
    found: dict[str, list[datetime]] = {}
    table = database.table("job")
    for (text,) in database.rows(f"SELECT headers FROM {table} WHERE queue = %s", [KEPT]):
        headers = json.loads(text)
        found.setdefault(headers["schedule"], []).append(datetime.fromisoformat(headers["schedule_tick"]))
    return found


def balance(database: PrivateDatabase) -> None:
    """From the first tick of each schedule to its last there is each, once."""
    found = ticks(database)
    assert len(found) == 3 * len(TENTHS)
    for name, moments in found.items():
        every = timedelta(seconds=int(name.split()[0]) / 10)
        first, *_, last = sorted(moments)
        assert sorted(moments) == [first + number * every for number in range((last - first) // every + 1)], name


def fired(database: PrivateDatabase) -> int:
    return sum(map(len, ticks(database).values()))


def go_on(database: PrivateDatabase, more: int = 20) -> None:
    """Wait until so many more ticks were fired."""
    before = fired(database)
    wait_until(lambda: fired(database) >= before + more, 60, what="more ticks")


def kill_and_replace(crew: Fleet, databases: list[PrivateDatabase], chance: random.Random) -> None:
    """Kill workers at moments drawn by lot, and put others in their places."""
    for _ in range(KILLS):
        time.sleep(chance.uniform(0.0, 0.3))
        chance.choice([worker for worker in crew.workers if worker.process.poll() is None]).kill()
        crew.start(chance.choice(databases), wait=False, **CARE)
        go_on(databases[0])


def test_each_tick_is_fired_once_though_workers_are_killed(crew: Fleet, database: PrivateDatabase) -> None:
    for _ in range(3):
        crew.start(database, wait=False, **CARE)
    crew.ledger.wait_for("schedule.fired")
    kill_and_replace(crew, [database], random.Random(7))

    balance(database)


def test_each_tick_is_fired_once_behind_a_pooler(crew: Fleet, postgresql: PrivateDatabase) -> None:
    with contextlib.ExitStack() as stack:
        try:
            bouncer = stack.enter_context(PgBouncer(postgresql.url))
        except Unavailable as error:
            pytest.skip(f"NOT TESTED: PgBouncer cannot be had here: {error}")
        pooled = replace(postgresql, url=bouncer.url)
        for _ in range(2):
            crew.start(pooled, wait=False, **CARE)
        crew.ledger.wait_for("schedule.fired")
        kill_and_replace(crew, [pooled], random.Random(8))
        bouncer.restart()
        go_on(postgresql)
        crew.end()

        balance(postgresql)


def test_each_tick_is_fired_once_on_galera(crew: Fleet) -> None:
    """Locks are those of a node there: of two nodes that fire the same tick, one is refused as it commits."""
    with contextlib.ExitStack() as stack:
        try:
            cluster = stack.enter_context(Galera(settings={**MariaDB.UNSYNCED, **MORE["mariadb"]}))
        except Unavailable as error:
            pytest.skip(f"NOT TESTED: Galera cannot be had here: {error}")
        databases = [PrivateDatabase("mariadb", url) for url in cluster.urls]
        databases[0].migrate()
        for database in databases:
            crew.start(database, wait=False, **CARE)
        crew.ledger.wait_for("schedule.fired")
        kill_and_replace(crew, databases, random.Random(9))
        cluster.nodes[2].kill()
        go_on(databases[0])
        crew.end()

        balance(databases[0])
