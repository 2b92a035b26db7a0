"""Whatever happens in whatever order, the jobs in the table are the ticks that a simple model says."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proletarian import NewJob, Queue
from proletarian.connections.database import Database
from proletarian.control.firing import fire
from proletarian.control.timetable import delete, pause, put, resume
from proletarian.drivers.driver import OwnConnection
from proletarian.schedule import schedule
from proletarian.sql.statements import Plan, Rows, Step, run
from tests.databases import PRODUCTS, PrivateDatabase

MINUTE = timedelta(minutes=1)
START = datetime(2026, 11, 28, 12, 0, 30, tzinfo=UTC)
EVERY = 5  # minutes
NAME = "sync"
EXAMPLES = {"sqlite": 40, "postgresql": 25, "mariadb": 8, "mysql": 8}

steps = st.one_of(
    st.tuples(st.just("wait"), st.integers(-20, 60)),  # minutes; the clock may be set back
    st.tuples(st.just("fire"), st.just(99)),
    st.tuples(st.just("fire"), st.integers(0, 8)),  # breaks off before that statement
    st.tuples(st.sampled_from(["set", "pause", "resume", "delete"]), st.just(0)),
)


class Killed(Exception):
    """The worker has died before this statement."""


@dataclass
class Model:
    """One schedule, as its users think of it."""

    now: datetime = START
    next_at: datetime | None = None
    last_at: datetime | None = None
    paused: bool = False
    ticks: list[datetime] = field(default_factory=list)

    def after(self, moment: datetime) -> datetime:
        """The first tick after an instant."""
        midnight = moment.replace(hour=0, minute=0, second=0)
        return midnight + ((moment - midnight) // (EVERY * MINUTE) + 1) * EVERY * MINUTE

    def begin(self) -> datetime:
        """The first tick that lies ahead, and was not fired when the clock was ahead."""
        return self.after(self.now if self.last_at is None else max(self.now, self.last_at))

    def do(self, what: str) -> None:
        """What each step means."""
        if what == "set" and self.next_at is None:
            self.next_at, self.last_at, self.paused = self.after(self.now), None, False
        elif what == "delete":
            self.next_at = None
        elif what == "pause":
            self.paused = True
        elif what == "resume" and self.paused:
            self.next_at, self.paused = self.begin(), False
        elif what == "fire":
            while self.next_at is not None and not self.paused and self.next_at <= self.now:
                self.ticks.append(self.next_at)
                self.last_at, self.next_at = self.next_at, self.next_at + EVERY * MINUTE


def carried_out(connection: OwnConnection, plan: Plan[Any], statements: int) -> bool:
    """Carry out a plan as far as its worker lives; gives whether that was to its end."""
    left = statements

    def execute(step: Step) -> Rows:
        nonlocal left
        if left == 0:
            raise Killed
        left -= 1
        return connection.execute(step)

    try:
        run(plan, execute)
    except Killed:
        return False
    return True


def ticks(database: PrivateDatabase) -> list[datetime]:
    """The ticks of all jobs that wait."""
    rows = database.rows(f"SELECT headers FROM {database.table('job')}")
    return sorted(datetime.fromisoformat(json.loads(headers)["schedule_tick"]) for (headers,) in rows)


@pytest.mark.parametrize("product", PRODUCTS)
def test_the_jobs_are_the_ticks_of_the_model(product: str, database_of: Any) -> None:
    private: PrivateDatabase = database_of(product)

    @settings(max_examples=EXAMPLES[product], suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.lists(steps, max_size=25))
    def try_out(story: list[tuple[str, int]]) -> None:
        private.empty()
        model = Model()
        queue = Queue(clock=lambda: model.now)
        database = Database(private.url, queue)
        connection = database.connect()
        made = schedule(EVERY * MINUTE, NewJob("sync"), name=NAME, missed="all")
        plans: dict[str, Any] = {"pause": pause, "resume": resume, "delete": delete}
        for what, number in [("set", 0), *story, ("fire", 99)]:
            if what == "wait":
                model.now += number * MINUTE
            elif what == "set":
                connection.run(put(queue, database.kind, "", made))
                model.do("set")
            elif what != "fire":
                if model.next_at is not None:
                    connection.run(plans[what](queue, database.kind, "", NAME))
                    model.do(what)
            elif carried_out(connection, fire(queue, database.kind, "", declares=True, refused=()), number):
                model.do("fire")
            else:
                connection.close()
                connection = database.connect()
                if len(ticks(private)) > len(model.ticks):  # it died when it had committed
                    model.do("fire")
        connection.close()
        assert ticks(private) == sorted(model.ticks)

    try_out()
