"""When a worker looks for jobs, at which queues, and how thoroughly; and when a drain is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.sql.rows import Claimed
from proletarian.worker.claiming.rhythm import FEW, PACE, SPREAD, Rhythm, Then
from proletarian.worker.claiming.watermark import FULL_EVERY

POLL = 0.1


def row(queue: str, process_at: float = 0.0, priority: int = 0) -> Claimed:
    """A claimed job."""
    return Claimed("id", queue, "send", "{}", 0, None, process_at, priority, None, 0, None, 0, None, "", None, 1)


@dataclass
class Play:
    """A worker of these queues with much room, its time and its lots in our hands."""

    queues: tuple[str, ...] = ("mail",)
    notifies: bool = True
    draining: bool = False
    fleet: int = 1
    lot: float = 0.5
    took: float = 0.0005
    now: float = 0.0
    looks: list[tuple[float, str]] = field(default_factory=list)  # when, and what: `full a b`, `onward a`

    def __post_init__(self) -> None:
        self.rhythm = Rhythm(self.queues, poll_interval=POLL, lot=lambda: self.lot, draining=self.draining)
        self.rhythm.fleet = self.fleet
        self.rhythm.connected(self.now, notifies=self.notifies)

    def turn(self, waiting: dict[str, int] | None = None, *, room: int = 10, held: int = 0) -> Then | None:
        """One turn of the pump, with so many jobs waiting, which every look finds; None if nothing is due."""
        due = self.rhythm.due(self.now)
        if not due:
            return None
        for look in self.rhythm.looks({queue: room for queue in self.queues if queue in due}, self.now):
            names = " ".join(look.wants)
            self.looks.append((round(self.now, 4), f"{'full' if look.full else 'onward'} {names}"))
            for queue, want in look.wants.items():
                found = min(want, (waiting or {}).get(queue, 0))
                rows = [row(queue, self.now)] * found
                self.rhythm.looked(queue, rows, wanted=want, full=look.full, took=self.took, now=self.now)
        then = self.rhythm.then(self.now, held=held)
        if then is Then.LIE_DOWN:
            self.rhythm.lay_down(self.now)
        elif then is Then.GET_UP:
            self.rhythm.got_up()
        return then

    def until(self, end: float, *, most: int = 1000) -> list[tuple[float, str]]:
        """Sleep and wake up with nothing to be found; the looks of that time."""
        before = len(self.looks)
        for _ in range(most):
            if self.rhythm.wake_at > end:
                break
            self.now = max(self.now, self.rhythm.wake_at)
            assert self.turn() is not None, "awake and nothing is due: the pump would spin"
        else:
            pytest.fail(f"more than {most} turns until {end}")
        self.now = end
        return self.looks[before:]

    def asleep(self) -> Play:
        """As one that found nothing and lies down, some time before the next poll."""
        self.until(self.now + 1.0)
        self.now = self.rhythm.wake_at
        self.turn()
        self.now += POLL / 4
        self.looks.clear()
        return self


def worked(play: Play, *queues: str) -> Play:
    """The same, having run a job of each of these queues."""
    play.turn(dict.fromkeys(queues or play.queues, 1), held=1)
    play.now += 0.001
    play.rhythm.ended(play.now)
    return play


# Going to sleep.


def test_the_first_look_is_at_everything_and_after_one_in_vain_the_worker_lies_down() -> None:
    play = Play(("a", "b"))

    assert play.turn() is Then.LIE_DOWN
    assert play.looks == [(0.0, "full a b")]


def test_having_lain_down_it_looks_once_more_as_soon_as_that_is_affordable() -> None:
    play = Play(took=0.0005)
    play.turn()

    assert play.until(0.05) == [(0.01, "full mail")]


def test_where_nobody_notifies_it_only_waits_for_the_poll() -> None:
    play = Play(notifies=False)

    assert play.turn() is Then.WAIT
    assert play.rhythm.wake_at == pytest.approx(POLL)


# Staying idle.


@pytest.mark.parametrize("notifies", [True, False])
@pytest.mark.parametrize("fleet", [1, 8, 100])
@pytest.mark.parametrize("some", [1, 3, 64])
def test_an_idle_worker_asks_once_a_poll_whatever_it_has_done_before(notifies: bool, fleet: int, some: int) -> None:
    """A short look once asked for full ones, which brought on short ones: hundreds of looks a second, for ever."""
    play = Play(tuple(f"q{n}" for n in range(64)), notifies=notifies, fleet=fleet, took=0.002)
    for _ in range(3):
        worked(play, *play.queues[:some])
        play.until(play.now + 0.05)
    play.until(play.now + 2.0)

    looks = play.until(play.now + 10 * POLL * fleet)

    assert 9 <= len(looks) <= 11
    assert all(what == "full " + " ".join(play.queues) for _, what in looks)


def test_full_looks_that_are_dear_are_made_seldom_and_quick_ones_in_between() -> None:
    """As under an old snapshot, where a full look reads past all that has gone."""
    play = worked(Play(took=0.03))
    play.until(3.0)

    looks = [what for _, what in play.until(13.0)]

    assert looks.count("full mail") == pytest.approx(10 / (0.03 / 0.05), abs=3)
    assert looks.count("onward mail") > 60


# Being called.


def test_one_worker_looks_at_the_queue_it_is_called_to_at_once_and_at_that_alone() -> None:
    play = worked(Play(("a", "b"))).asleep()
    at = play.now
    play.rhythm.called({"b"}, play.now)

    assert play.turn({"b": 1}) is Then.WAIT
    assert play.looks == [(at, "onward b")]


def test_where_it_finds_nothing_there_it_looks_behind_the_mark() -> None:
    """A priority that is new, or a job that came back to its old place."""
    play = worked(Play(("a", "b"))).asleep()
    at = play.now
    play.rhythm.called({"b"}, play.now)
    play.turn()

    assert play.until(at + 0.05) == [(at, "full b")]


def test_a_call_to_a_queue_that_it_does_not_serve_is_none_of_its_business() -> None:
    play = worked(Play(("a", "b"))).asleep()
    play.rhythm.called({"c"}, play.now)

    assert play.turn() is None


def test_where_the_queue_is_not_said_it_looks_at_all_of_them() -> None:
    play = worked(Play(("a", "b"))).asleep()
    play.rhythm.called((), play.now)

    assert [what for _, what in play.until(play.now + 0.01)] == ["full a b"]


def woken(fleet: int, lot: float, *, calls: int = 1) -> list[tuple[float, str]]:
    """The looks of one of a fleet that is called, where another gets the job: how long after, and what."""
    play = worked(Play(fleet=fleet, lot=lot)).asleep()
    at = play.now
    for _ in range(calls):
        play.rhythm.called({"mail"}, play.now)
    return [(round(when - at, 4), what) for when, what in play.until(at + POLL / 2)]


@pytest.mark.parametrize(
    ("fleet", "lot", "looks"),
    [
        (1, 0.99, [(0.0, "onward mail"), (0.0, "full mail")]),
        (FEW, 0.99, [(0.0, "onward mail"), (SPREAD * FEW * 0.99, "full mail")]),
        (20, 0.0, [(0.0, "onward mail"), (0.0, "full mail")]),
        (20, FEW / 20, [(0.0, "full mail")]),
        (20, 0.575, [(SPREAD * 20 / 2, "full mail")]),
    ],
)
def test_of_a_fleet_a_few_look_at_once_and_the_others_after_a_while(
    fleet: int, lot: float, looks: list[tuple[float, str]]
) -> None:
    seen = woken(fleet, lot)

    assert [what for _, what in seen] == [what for _, what in looks]
    assert [after for after, _ in seen] == pytest.approx([after for after, _ in looks], abs=1e-3)


def test_several_calls_of_that_while_cost_one_look() -> None:
    assert len(woken(20, 0.5, calls=10)) == 1


def test_jobs_in_quick_succession_get_it_up() -> None:
    play = worked(Play()).asleep()
    thens = []
    for _ in range(2):
        play.rhythm.called({"mail"}, play.now)
        thens.append(play.turn({"mail": 1}))
        play.now += 0.001

    assert thens == [Then.WAIT, Then.GET_UP]
    assert play.rhythm.wake_at <= play.now + PACE


def test_a_lost_connection_ends_what_was_agreed_on_it() -> None:
    play = worked(Play()).asleep()
    play.rhythm.connected(play.now, notifies=True)

    assert play.turn() is Then.LIE_DOWN


# While jobs flow.


def test_all_that_was_wanted_came_so_there_is_more() -> None:
    play = Play()
    play.turn({"mail": 10})

    assert play.rhythm.wake_at <= play.now


def test_where_the_flow_stops_short_everything_is_looked_at() -> None:
    play = Play()
    play.turn({"mail": 10})
    play.turn({"mail": 3})

    assert next(what for _, what in play.until(play.now + 2 * PACE)) == "full mail"


def test_a_queue_without_jobs_is_not_looked_through_because_another_has_some() -> None:
    play = Play(("a", "b"))
    for found in ({"a": 10, "b": 10}, {"a": 10}, {"a": 3}):
        play.now += 0.001
        play.turn(found)

    assert [what for _, what in play.looks] == ["full a b", "onward a b", "onward a b"]
    assert [what for _, what in play.until(play.now + PACE)][:2] == ["full a", "onward b"]


def test_without_room_it_waits_for_a_run_to_end() -> None:
    play = Play()
    play.turn({"mail": 10})
    assert play.turn(room=0, held=20) is Then.WAIT
    assert play.rhythm.wake_at >= POLL * 0.8

    play.now += 0.01
    play.rhythm.ended(play.now)

    assert play.rhythm.due(play.now)


def test_where_nobody_notifies_the_end_of_a_run_makes_it_look_soon() -> None:
    play = Play(notifies=False)
    play.turn({"mail": 1})
    play.until(0.05)
    play.rhythm.ended(play.now)

    assert play.rhythm.wake_at <= play.now


@pytest.mark.parametrize("lane", [False, True])
def test_where_nobody_notifies_polls_come_soon_after_a_job_and_then_less_and_less_often(lane: bool) -> None:
    play = Play(notifies=False, took=0.0)
    play.turn({"mail": 0 if lane else 1})
    if lane:
        play.rhythm.beside(play.now)

    times = [when for when, _ in play.until(0.4)]

    assert times[:5] == pytest.approx([PACE, 3 * PACE, 7 * PACE, 15 * PACE, 31 * PACE])
    assert times[5:] == pytest.approx([31 * PACE + POLL, 31 * PACE + 2 * POLL])


def test_a_job_that_came_back_to_its_old_place_is_looked_for() -> None:
    play = worked(Play(("a", "b"))).asleep()
    at = play.now
    play.rhythm.put_back("b", None, play.now)

    [(when, what)] = play.until(at + 0.01)
    assert (when, what) == (round(at + PACE, 4), "full b")


def test_a_job_for_later_needs_no_look_now() -> None:
    play = worked(Play()).asleep()
    play.rhythm.put_back("mail", 60.0, play.now)

    assert play.turn() is None


def test_a_full_look_comes_once_a_second_all_the_same() -> None:
    play = Play()
    for _ in range(300):
        play.turn({"mail": 10})
        play.now += 0.01

    full = [when for when, what in play.looks if what == "full mail"]
    assert full == pytest.approx([0.0, FULL_EVERY, 2 * FULL_EVERY], abs=0.011)


# The end of a drain.


@pytest.mark.parametrize("notifies", [True, False])
@pytest.mark.parametrize("queues", [1, 2, 64])
def test_a_drain_ends_where_nothing_is(notifies: bool, queues: int) -> None:
    play = Play(tuple(f"q{n}" for n in range(queues)), notifies=notifies, draining=True)

    assert play.turn() is Then.END


def test_a_drain_does_not_end_after_the_first_of_two_looks() -> None:
    """One queue had been used, the other never: two looks, and the end was declared after the first."""
    play = Play(("a", "b"), draining=True)
    worked(play, "a")

    assert play.turn({"a": 5}, held=5) is not Then.END
    play.rhythm.ended(play.now)
    assert [play.turn() for _ in range(2)][-1] is Then.END


@dataclass
class Drained:
    """A drain of jobs that enqueue jobs, some of them behind the marks, in a database of lists."""

    queues: tuple[str, ...]
    notifies: bool
    script: Iterator[int]
    waiting: list[tuple[str, int, float, int]] = field(default_factory=list)  # queue, priority, process_at, children
    running: list[tuple[str, int, float, int]] = field(default_factory=list)
    full_since: dict[str, float] = field(default_factory=dict)

    def pick(self, queue: str, want: int, marks: Any) -> list[tuple[str, int, float, int]]:
        """What a look brings, fully (marks: None) or from the marks on."""
        seen = [
            job for job in self.waiting
            if job[0] == queue and (marks is None or (job[1] in marks and job[2] >= marks[job[1]]))
        ]  # fmt: skip
        return sorted(seen, key=lambda job: (-job[1], job[2]))[:want]

    def end_one(self) -> None:
        """A run ends, having enqueued its children."""
        children = self.running.pop(next(self.script) % len(self.running))[-1]
        for _ in range(children):
            number = next(self.script)
            where = self.queues[number % len(self.queues)]
            self.waiting.append((where, number % 3, float(number % 50), max(0, children - 1)))

    def play(self) -> bool:
        """Play it to its end; whether anything was left behind."""
        rhythm = Rhythm(self.queues, poll_interval=POLL, lot=lambda: 0.5, draining=True)
        now = 0.0
        rhythm.connected(now, notifies=self.notifies)
        for _ in range(20_000):
            for _ in range(min(len(self.running), next(self.script) % 3)):
                self.end_one()
                rhythm.ended(now)
            due = rhythm.due(now)
            wants = {queue: max(0, 2 - sum(job[0] == queue for job in self.running)) for queue in due}
            if due:
                for look in rhythm.looks(wants, now):
                    for queue, want in look.wants.items():
                        rows = self.pick(queue, want, None if look.full else rhythm.marks[queue].marks)
                        for job in rows:
                            self.waiting.remove(job)
                        self.running += rows
                        claimed = [row(queue, job[2], job[1]) for job in rows]
                        rhythm.looked(queue, claimed, wanted=want, full=look.full, took=0.001, now=now)
                then = rhythm.then(now, held=len(self.running))
                if then is Then.END:
                    return bool(self.waiting or self.running)
                if then is Then.LIE_DOWN:
                    rhythm.lay_down(now)
                elif then is Then.GET_UP:
                    rhythm.got_up()
            now = max(now, min(rhythm.wake_at, now + 0.01)) + 0.0001
        pytest.fail("the drain never ends")


@given(
    queues=st.sampled_from([1, 2, 3, 64]),
    notifies=st.booleans(),
    first=st.lists(
        st.tuples(st.integers(0, 63), st.integers(0, 2), st.integers(0, 50), st.integers(0, 2)), max_size=20
    ),
    seed=st.lists(st.integers(0, 10_000), min_size=1, max_size=50),
)
def test_a_drain_ends_only_when_nothing_is_due_in_any_queue(
    queues: int, notifies: bool, first: list[tuple[int, int, int, int]], seed: list[int]
) -> None:
    names = tuple(f"q{n}" for n in range(queues))
    # Each number grows from round to round: with `+ n` some seeds came to multiples of three alone, and no run ended.
    script = (number + past for past in count() for number in seed)
    drained = Drained(names, notifies, script)
    drained.waiting = [(names[q % queues], priority, float(at), children) for q, priority, at, children in first]

    assert not drained.play()
