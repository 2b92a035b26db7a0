"""The slots of a queue, with the threads and the loop that fill them: nothing stalls, each kind has its turn."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

import pytest

from proletarian import Job, Queue, Tasks
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Claimed
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.slots import Slots
from proletarian.worker.hands.threads import Threads
from proletarian.worker.held import Held
from proletarian.worker.run import TAKEN, Run
from proletarian.worker.single import means_of
from tests.waiting import wait_until


class Crew:
    """Hands for a queue, and what they have run, in order."""

    def __init__(self, slots: int) -> None:
        self.ran: list[str] = []
        self.running = self.most = 0
        self._counting = threading.Lock()
        tasks = Tasks()
        tasks.task(name="plain")(self._plain)
        tasks.task(name="coroutine")(self._coroutine)
        queue = Queue()
        self.runner = means_of(tasks, queue, None, None, None, lambda event, data: None).runner(queue.dialect("sqlite"))
        self.held = Held()
        self.loop = Loop(self.runner, self.held)
        self.slots = Slots(
            "mail", slots, plain=Threads("mail", self.runner, self.held, self.loop), coroutines=self.loop
        )

    def _count(self, kind: str, by: int) -> None:
        with self._counting:
            self.running += by
            self.most = max(self.most, self.running)
            if by < 0:
                self.ran.append(kind)

    def _plain(self, job: Job) -> None:
        self._count("plain", 1)
        time.sleep(0.0005)
        self._count("plain", -1)

    async def _coroutine(self, job: Job) -> None:
        self._count("coroutine", 1)
        await asyncio.sleep(0.0005)
        self._count("coroutine", -1)

    def run(self, kind: str) -> Run:
        row = Claimed("id", "mail", kind, "{}", 0, None, "10:00", 0, None, 0, None, 0, None, "", None, 1)
        return self.runner.claimed(row, "ann", time.monotonic())

    def put(self, *kinds: str) -> None:
        """Put such jobs in, and wait until all have ended; nobody pokes the hands meanwhile."""
        runs = [self.run(kind) for kind in kinds]
        self.slots.put(runs)
        wait_until(lambda: all(run.ended_at for run in runs), 30, what="the end of all jobs")

    def close(self) -> None:
        self.slots.close()
        self.loop.close()
        self.held.wake.close()


@pytest.fixture
def crew_of() -> Iterator[Callable[[int], Crew]]:
    crews: list[Crew] = []

    def crew_of(slots: int) -> Crew:
        crews.append(Crew(slots))
        return crews[-1]

    yield crew_of
    for crew in crews:
        crew.close()


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_a_run_is_held_until_it_is_struck_off_whatever_its_hand_has_said(
    kind: str, crew_of: Callable[[int], Crew]
) -> None:
    """A drain goes on while there is one: so none may be in nobody's hands on its way out of its slot."""
    crew = crew_of(1)
    run = crew.run(kind)
    crew.held.enter([run])
    crew.slots.put([run])
    wait_until(lambda: crew.held.has_ends, 30, what="the end of the job")

    assert crew.held.under_way() == []
    assert [ended for ended, _ in crew.held.gather()] == [run]
    assert len(crew.held) == 1
    crew.held.strike([run])
    assert len(crew.held) == 0


@pytest.mark.parametrize("slots", [1, 2, 10])
def test_no_job_is_left_behind_and_no_slot_is_used_twice(slots: int, crew_of: Callable[[int], Crew]) -> None:
    crew = crew_of(slots)
    for n in range(20):
        crew.put(*["plain", "coroutine"] * 3, *["plain"] * (n % 4), *["coroutine"] * (n % 3))

    assert crew.most <= slots


@pytest.mark.parametrize("kinds", [("plain", "coroutine"), ("coroutine", "plain")])
def test_neither_kind_keeps_the_other_waiting(kinds: tuple[str, str], crew_of: Callable[[int], Crew]) -> None:
    crew = crew_of(1)
    crew.put(*[kinds[0]] * 100, *[kinds[1]] * 100)

    first = crew.ran[:50]
    assert min(first.count("plain"), first.count("coroutine")) >= 10


def test_a_job_that_was_taken_back_before_it_began_never_begins(crew_of: Callable[[int], Crew]) -> None:
    """Others took this worker for dead: each of its jobs is another's now."""
    crew = crew_of(1)
    run = crew.run("plain")
    crew.held.enter([run])
    run.tell(TAKEN)
    crew.slots.put([run])
    wait_until(lambda: crew.held.has_ends)
    [(ended, outcome)] = crew.held.gather()

    assert ended is run
    assert isinstance(outcome, Outcome)
    assert (outcome.event, outcome.status, outcome.attempts) == ("job.released", None, 0)
    assert crew.ran == []
    assert run.started_at is None


class Quicker(deque[Run]):
    """Jobs of which the last is taken by a thread at the very moment at which it is looked at."""

    def __getitem__(self, index: object) -> Run:  # type: ignore[override]
        self.clear()
        raise IndexError


def test_a_thread_may_be_quicker_than_who_takes_jobs_back(crew_of: Callable[[int], Crew]) -> None:
    crew = crew_of(1)
    crew.slots.plain = Quicker([crew.run("plain")])

    assert crew.slots.unstarted(all_of_them=True) == []


def test_a_fork_holds_nothing(crew_of: Callable[[int], Crew]) -> None:
    crew = crew_of(1)
    crew.slots.plain.append(crew.run("plain"))
    crew.slots.forked()

    assert crew.slots.next_plain() is None
    assert crew.slots.take_coroutine() is None
