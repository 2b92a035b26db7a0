"""Schedules that the code declares, fired by workers in this process on each of the four databases."""

from __future__ import annotations

from datetime import timedelta
from typing import get_args

import pytest

from proletarian import ConfigurationError, Job, NewJob, PayloadError, Tasks, find_schedules
from proletarian.schedule import Missed
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder
from tests.worker.workers import Workers

TENTH = timedelta(seconds=0.1)
DAY = timedelta(days=1)


class Seen:
    """Tasks of which one notes the ticks that it was run for."""

    def __init__(self, app: str = "") -> None:
        self.tasks = Tasks(app=app)
        self.jobs: list[Job] = []

        @self.tasks.task
        def sync(job: Job, part: str = "all") -> None:
            self.jobs.append(job)

        self.sync = sync


def schedules_of(database: PrivateDatabase, app: str = "") -> list[str]:
    with database.connection() as connection:
        return [found.name for found in find_schedules(connection, app=app)]


def test_each_tick_is_one_job_whose_process_at_and_tick_are_that_tick(
    database: PrivateDatabase, workers: Workers
) -> None:
    seen = Seen()
    seen.tasks.schedule(
        TENTH, seen.sync.using(priority=3, headers={"a": "b"}).job(part="x"), name="often", missed="all"
    )
    with workers.running(seen.tasks):
        wait_until(lambda: len(seen.jobs) >= 10)

    ticks = sorted(job.tick for job in seen.jobs if job.tick)
    assert ticks == [ticks[0] + number * TENTH for number in range(len(ticks))]
    assert [job.process_at for job in seen.jobs] == [job.tick for job in seen.jobs]
    assert {(job.payload["part"], job.priority, job.headers["a"], job.headers["schedule"]) for job in seen.jobs} == {
        ("x", 3, "b", "often")
    }


def test_ticks_missed_without_workers_are_made_up_as_configured(database: PrivateDatabase, workers: Workers) -> None:
    seen = Seen()
    for missed in get_args(Missed):
        seen.tasks.schedule(timedelta(hours=1), seen.sync.job(part=missed), name=missed, missed=missed)
    with workers.running(seen.tasks):
        wait_until(lambda: len(schedules_of(database)) == 3)
    back(database, timedelta(hours=5))
    recorder = Recorder()
    with workers.running(seen.tasks, log=recorder):
        recorder.wait_for("schedule.fired", count=3)
        wait_until(lambda: len(seen.jobs) >= 6)

    told = {data["schedule"]: (data["enqueued"], data["dropped"]) for data in recorder.of("schedule.fired")}
    assert told in ({"skip": (0, 5), "once": (1, 4), "all": (5, 0)}, {"skip": (1, 4), "once": (1, 4), "all": (5, 0)})
    assert [job.payload["part"] for job in seen.jobs].count("all") == 5


def back(database: PrivateDatabase, by: timedelta) -> None:
    """Set the next ticks back, as they are after an outage."""
    seconds = int(by.total_seconds())
    table = database.table("schedule")
    database.run_script({
        "sqlite": f"UPDATE {table} SET next_at = strftime('%Y-%m-%d %H:%M:%f000', next_at, '-{seconds} seconds')",
        "postgresql": f"UPDATE {table} SET next_at = next_at - interval '{seconds} s'",
        "mysql": f"UPDATE {table} SET next_at = next_at - INTERVAL {seconds} SECOND",
    }[database.kind] + ";\n")  # fmt: skip


def test_of_a_fleet_one_fires_and_all_run(database: PrivateDatabase, workers: Workers) -> None:
    seen = Seen()
    seen.tasks.schedule(TENTH, seen.sync.job(), name="often", missed="all")
    with workers.running(seen.tasks), workers.running(seen.tasks), workers.running(seen.tasks):
        wait_until(lambda: len(seen.jobs) >= 20)

    ticks = sorted(job.tick for job in seen.jobs if job.tick)
    assert ticks == [ticks[0] + number * TENTH for number in range(len(ticks))]


def test_a_worker_fires_what_was_made_at_run_time(database: PrivateDatabase, workers: Workers) -> None:
    """Though it declares nothing itself, and what others declare is left to them."""
    seen, others = Seen(), Seen()
    others.tasks.schedule(TENTH, others.sync.job(part="declared"))
    with workers.running(others.tasks, queues={"none": 1}):
        wait_until(lambda: schedules_of(database) == ["sync"])
    others_jobs = f"SELECT count(*) FROM {database.table('job')} WHERE queue = 'default'"
    before = database.rows(others_jobs)
    with database.connection() as connection, workers.running(seen.tasks, queues={"mine": 1}):
        seen.tasks.set_schedule(connection, TENTH, seen.sync.using(queue="mine").job(part="own"), name="own")
        connection.commit()
        wait_until(lambda: len(seen.jobs) >= 3)

    assert {job.payload["part"] for job in seen.jobs} == {"own"}
    assert database.rows(others_jobs) == before  # of ours one may have come for a tick after the last claim


def test_a_schedule_that_is_declared_is_changed_in_the_code(database: PrivateDatabase, workers: Workers) -> None:
    seen = Seen("shop")
    seen.tasks.schedule("@daily", seen.sync.job(), name="nightly")
    with workers.running(seen.tasks), database.connection() as connection:
        wait_until(lambda: schedules_of(database, "shop") == ["nightly"])
        with pytest.raises(ConfigurationError, match="'nightly' is declared in code"):
            seen.tasks.set_schedule(connection, "@hourly", seen.sync.job(), name="nightly")
        seen.tasks.pause_schedule(connection, "nightly")
        connection.commit()
    emptied = Seen("shop")  # a later release; it has a name, so it may declare that there is nothing any more
    with workers.running(emptied.tasks):
        wait_until(lambda: schedules_of(database, "shop") == [])


def test_what_cannot_be_is_refused_where_it_is_declared() -> None:
    tasks = Tasks()
    tasks.schedule("@daily", NewJob("tidy"), name="tidy")
    with pytest.raises(ConfigurationError, match="two schedules are named 'tidy'"):
        tasks.schedule("@hourly", NewJob("tidy"))
    with pytest.raises(PayloadError, match="tidy"):
        tasks.schedule("@hourly", NewJob("tidy", {"when": object()}), name="other")
    with pytest.raises(ConfigurationError, match="app is a name"):
        Tasks(app=" shop")
    assert list(tasks.schedules) == ["tidy"]


def test_a_view_has_the_schedules_of_its_registries() -> None:
    one, other = Tasks(app="shop"), Tasks()
    one.schedule("@daily", NewJob("tidy"))
    other.schedule("@hourly", NewJob("tidy"))
    other.schedule("@hourly", NewJob("sync"))
    view = one.within(lambda job, call_next: call_next(job), other)

    assert (view.app, sorted(view.schedules)) == ("shop", ["sync", "tidy"])
    assert view.schedules["tidy"] is one.schedules["tidy"]
