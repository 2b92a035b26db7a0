"""Threads that run the plain functions of one queue; started when they are first needed."""

from __future__ import annotations

import threading
from typing import Protocol

from proletarian.errors import ConfigurationError
from proletarian.outcomes import Outcome
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import Held
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner


class Apart(Protocol):
    """What runs jobs in other processes; a thread waits for each job."""

    takes_all: bool  # whether every job of the queue runs there, or only those of tasks that ask for it

    def run(self, run: Run) -> Outcome:
        """Run one job to its end."""


class Threads:
    """A hand: up to as many threads as the queue has slots. A thread that is awake has a slot."""

    def __init__(self, queue: str, runner: Runner, held: Held, loop: Loop, apart: Apart | None = None) -> None:
        self._queue = queue
        self._runner = runner
        self._held = held
        self._loop = loop
        self._apart = apart
        self._outcome = self._elsewhere if apart is not None and apart.takes_all else self._here
        self._parked: list[threading.Lock] = []

    def poke(self, slots: Slots) -> None:
        """Wake as many threads as there are jobs to run and slots to run them in."""
        with slots.lock:
            if slots.closed:
                return
            wanted = min(len(slots.plain), slots.free)
            slots.free -= wanted
            woken = [self._parked.pop() for _ in range(min(wanted, len(self._parked)))]
        for parked in woken:
            parked.release()
        for _ in range(wanted - len(woken)):
            threading.Thread(target=self._serve, args=[slots], name=f"proletarian {self._queue}", daemon=True).start()

    def let_go(self) -> None:
        """Wake all threads, so they see that the slots are closed."""
        parked, self._parked = self._parked, []
        for lock in parked:
            lock.release()

    def _serve(self, slots: Slots) -> None:
        """What each thread does: run one job after another."""
        parking = threading.Lock()
        parking.acquire()
        while not slots.closed:
            run = slots.take_plain()
            while run is not None:
                self._run(run)
                run = slots.next_plain()
            if not slots.closed and self._park(slots, parking):  # in a forked child the lock may be held forever
                slots.offer_coroutines()
                parking.acquire()

    def _park(self, slots: Slots, parking: threading.Lock) -> bool:
        """Give up the slot. New jobs are put in before parked threads are looked for, so look for one once more."""
        with slots.lock:
            if slots.closed or (slots.plain and not slots.is_wanted):
                return False
            slots.free += 1
            self._parked.append(parking)
            return True

    def _run(self, run: Run) -> None:
        self._held.end(run, self._runner.context.copy().run(self._outcome, run))

    def _here(self, run: Run) -> Outcome:
        """How the run ended; never raises, because the thread would end with it."""
        try:
            rules = run.rules
            if rules.process:
                return self._elsewhere(run)
            if rules.time_limit is not None:
                self._loop.limit(run, rules.time_limit)
            outcome = self._runner.execute(run)
            return outcome if isinstance(outcome, Outcome) else self._loop.finish(run, outcome)
        except BaseException as error:  # noqa: BLE001 (no thread can be started for the loop, say)
            return self._runner.ends.after(run, error)

    def _elsewhere(self, run: Run) -> Outcome:
        if self._apart is None:
            raise ConfigurationError(
                f"{run.row.job_type!r} has process=True, but was added to its Tasks after the worker had started"
            )
        return self._apart.run(run)
