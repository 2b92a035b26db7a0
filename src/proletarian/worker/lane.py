"""
A lane: the slots of one queue, the jobs held for it, and the threads that run them.

Plain functions run in threads, made when they are first needed; coroutines on the loop.
Both kinds share the queue's slots. The pump puts jobs in; threads and loop take them out
by themselves, so that no job waits for the pump.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable

from proletarian.worker.prefetch import PATIENCE, Prefetch
from proletarian.worker.run import Run

# A handler may fork, and its child may come back from it. The child is no worker: it must not go
# on with copies of the jobs that its parent holds.
_lanes: weakref.WeakSet[Lane] = weakref.WeakSet()


def _let_go() -> None:
    for lane in list(_lanes):
        lane.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class Lane:
    """The jobs of one queue in this worker."""

    def __init__(self, queue: str, slots: int, *, run_plain: Callable[[Run], None], poke_loop: Callable[[Lane], None]):
        self.queue = queue
        self.slots = slots
        self.ended = 0  # counted by the pump, as is how long they took in all
        self.busy = 0.0
        self.running: set[Run] = set()
        self._prefetch = Prefetch(slots)
        self._run_plain = run_plain
        self._poke_loop = poke_loop
        self._plain: deque[Run] = deque()
        self._coroutines: deque[Run] = deque()
        self._lock = threading.Lock()
        self._parked: list[threading.Lock] = []
        self._threads = 0
        self._mixed = False  # coroutines were here: they compete with the threads for slots
        self._closed = False
        _lanes.add(self)

    @property
    def held(self) -> int:
        """Jobs that were claimed and have not ended."""
        return len(self._plain) + len(self._coroutines) + len(self.running)

    @property
    def has_room(self) -> bool:
        """Whether a job could start at once."""
        return self.held < self.slots

    def want(self, now: float) -> int:
        """How many more jobs to claim."""
        held = self.held
        self._prefetch.observe(self.ended, self.busy, held, now)
        return self._prefetch.want(held)

    def put(self, runs: Iterable[Run]) -> None:
        """Take in claimed jobs, and get them going."""
        for run in runs:
            if run.is_async:
                self._mixed = True
                self._coroutines.append(run)
            else:
                self._plain.append(run)
        if self._plain:
            self._wake_threads()
        if self._coroutines:
            self._poke_loop(self)

    def _wake_threads(self) -> None:
        with self._lock:
            wanted = min(len(self._plain), self.slots - len(self.running))
            woken = [self._parked.pop() for _ in range(min(wanted, len(self._parked)))]
            fresh = max(0, min(wanted - len(woken), self.slots - self._threads))
            self._threads += fresh
        for parked in woken:
            parked.release()
        for _ in range(fresh):
            threading.Thread(target=self._serve, name=f"proletarian {self.queue}", daemon=True).start()

    def _serve(self) -> None:
        """What each thread does: run one job after the other."""
        parking = threading.Lock()
        parking.acquire()
        while not self._closed:
            run = self._take_contested() if self._mixed else self._take()
            if run is None:
                # Whoever puts a job in does it before looking for parked threads: so park first,
                # then look once more.
                with self._lock:
                    if self._closed:
                        return
                    if not self._plain or (self._mixed and len(self.running) >= self.slots):
                        self._parked.append(parking)
                        park = True
                    else:
                        park = False
                if park:
                    parking.acquire()
                continue
            self._run_plain(run)
            self.running.discard(run)
            if self._mixed:
                self._share()

    def _take(self) -> Run | None:
        """
        The next job, without a lock: threads that only run plain functions are never more than the slots.

        With ten threads and jobs of microseconds, a lock here makes them queue up for it.
        """
        try:
            run = self._plain.popleft()
        except IndexError:
            return None
        self.running.add(run)
        return run

    def _take_contested(self) -> Run | None:
        with self._lock:
            if not self._plain or len(self.running) >= self.slots:
                return None
            return self._take()

    def take_coroutine(self) -> Run | None:
        """The next job for the loop, if a slot is free."""
        with self._lock:
            if self._closed or not self._coroutines or len(self.running) >= self.slots:
                return None
            run = self._coroutines.popleft()
            self.running.add(run)
            return run

    def leave(self, run: Run) -> bool:
        """A coroutine has ended: its slot is free. Gives whether only coroutines are waiting for it."""
        self.running.discard(run)
        if self._plain:
            self._share()
            return False
        return bool(self._coroutines)

    def _share(self) -> None:
        """A slot is free, and both kinds may want it."""
        if self._plain:
            self._wake_threads()
        if self._coroutines:
            self._poke_loop(self)

    def runs(self) -> list[Run]:
        """All that were claimed and have not ended."""
        while True:
            try:
                return [*self._plain, *self._coroutines, *self.running]
            except RuntimeError:  # it changed under our eyes: look again
                continue

    def unstarted(self, *, all_of_them: bool) -> list[Run]:
        """Take back jobs that were not started: all, or those that have waited too long in our hands."""
        limit = float("inf") if all_of_them else time.monotonic() - PATIENCE
        taken: list[Run] = []
        for waiting in (self._plain, self._coroutines):
            while waiting and waiting[0].claimed_at <= limit:
                try:
                    taken.append(waiting.popleft())
                except IndexError:  # a thread was quicker
                    break
        return taken

    def forked(self) -> None:
        """In a child process: hold nothing, start nothing."""
        self._closed = True
        self._plain.clear()
        self._coroutines.clear()

    def close(self) -> None:
        """End the threads, those that are running a job after it."""
        with self._lock:
            self._closed = True
            parked, self._parked = self._parked, []
        for lock in parked:
            lock.release()
