"""
A lane: the slots of one queue, the jobs held for it, and the threads that run them.

Plain functions run in threads, made when they are first needed; coroutines on the loop.
Both kinds share the queue's slots. The pump puts jobs in; threads and loop take them out
by themselves, so that no job waits for the pump.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from proletarian.worker.prefetch import PATIENCE, Prefetch

if TYPE_CHECKING:
    from proletarian.worker.run import Run


class Lane:
    """The jobs of one queue in this worker."""

    def __init__(self, queue: str, slots: int, *, run_plain: Callable[[Run], None], poke_loop: Callable[[Lane], None]):
        self.queue = queue
        self.slots = slots
        self.prefetch = Prefetch(slots, time.monotonic())
        self.ended = 0
        self.running: set[Run] = set()
        self._run_plain = run_plain
        self._poke_loop = poke_loop
        self._plain: deque[Run] = deque()
        self._coroutines: deque[Run] = deque()
        self._lock = threading.Lock()
        self._parked: list[threading.Lock] = []
        self._threads = 0
        self._closed = False

    @property
    def held(self) -> int:
        """Jobs that were claimed and have not ended."""
        return len(self._plain) + len(self._coroutines) + len(self.running)

    def want(self, now: float) -> int:
        """How many more jobs to claim."""
        self.prefetch.observe(self.ended, now)
        return self.prefetch.want(self.held)

    def put(self, runs: Iterable[Run]) -> None:
        """Take in claimed jobs, and get them going."""
        with self._lock:
            for run in runs:
                (self._coroutines if run.is_async else self._plain).append(run)
            wanted = min(len(self._plain), self.slots - len(self.running))
            woken = [self._parked.pop() for _ in range(min(wanted, len(self._parked)))]
            fresh = min(wanted - len(woken), self.slots - self._threads)
            fresh = max(0, fresh)
            self._threads += fresh
        for parked in woken:
            parked.release()
        for _ in range(fresh):
            threading.Thread(target=self._serve, name=f"proletarian {self.queue}", daemon=True).start()
        if self._coroutines:
            self._poke_loop(self)

    def _serve(self) -> None:
        """What each thread does: run one job after the other."""
        parking = threading.Lock()
        parking.acquire()
        run: Run | None = None
        while True:
            with self._lock:
                if run is not None:
                    self._left(run)
                if self._closed:
                    break
                if self._plain and len(self.running) < self.slots:
                    run = self._plain.popleft()
                    self.running.add(run)
                else:
                    run = None
                    self._parked.append(parking)
            if run is None:
                parking.acquire()
            else:
                self._run_plain(run)

    def take_coroutine(self) -> Run | None:
        """The next job for the loop, if a slot is free."""
        with self._lock:
            if self._closed or not self._coroutines or len(self.running) >= self.slots:
                return None
            run = self._coroutines.popleft()
            self.running.add(run)
            return run

    def leave(self, run: Run) -> None:
        """A coroutine has ended: its slot is free."""
        with self._lock:
            self._left(run)

    def _left(self, run: Run) -> None:
        self.running.discard(run)
        self.ended += 1
        if self._coroutines:
            self._poke_loop(self)
        elif self._plain and self._parked and run.is_async:
            self._parked.pop().release()

    def runs(self) -> list[Run]:
        """All that were claimed and have not ended."""
        with self._lock:
            return [*self._plain, *self._coroutines, *self.running]

    def unstarted(self, *, all_of_them: bool) -> list[Run]:
        """Take back jobs that were not started: all, or those that have waited too long in our hands."""
        limit = float("inf") if all_of_them else time.monotonic() - PATIENCE
        taken = []
        with self._lock:
            for waiting in (self._plain, self._coroutines):
                # The youngest lie at the right; a queue of which the oldest is not late has none.
                while waiting and waiting[0].claimed_at <= limit:
                    taken.append(waiting.popleft())
        return taken

    def close(self) -> None:
        """End the threads, those that are running a job after it."""
        with self._lock:
            self._closed = True
            parked, self._parked = self._parked, []
        for lock in parked:
            lock.release()
