"""
The slots of one queue: how many of its jobs may run at a time, and the jobs that wait for one.

The pump puts jobs in. Hands take them out by themselves, so no job waits for the pump: plain functions run in threads,
coroutines on the loop, and both share the queue's slots.
"""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Protocol

from proletarian.worker.run import Run

PATIENCE = 1.0  # seconds for which a job is held without being started before it is given back
IS_ASYNC = attrgetter("is_async")

# A handler may fork, and return in the child as well. The child is not a worker: it must not continue with copies of
# the jobs that its parent holds.
_slots: weakref.WeakSet[Slots] = weakref.WeakSet()


def _let_go() -> None:
    for slots in list(_slots):
        slots.forked()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_let_go)


class Hand(Protocol):
    """What runs jobs: it takes them out of the slots, and tells the register of held runs how each one ended."""

    def poke(self, slots: Slots) -> None:
        """There may be a job to take, or a slot to run it in; this returns at once."""

    def let_go(self) -> None:
        """The slots are closed: take no more, and end when the running jobs have ended."""


class Slots:
    """The jobs of one queue in this worker, and the two hands that run them: one for plain ones, one for coroutines."""

    def __init__(self, queue: str, count: int, *, plain: Hand, coroutines: Hand) -> None:
        self.queue = queue
        self.count = count
        # For the pump: how many jobs were put in and have not ended, how many have ended, and how long these took in
        # all.
        self.held = 0
        self.ended = 0
        self.busy = 0.0
        # For the hands. A slot that is not free belongs to an awake thread, or to a coroutine.
        self.lock = threading.Lock()
        self.free = count
        self.closed = False
        self.plain: deque[Run] = deque()
        self.coroutines: deque[Run] = deque()
        self._plain_hand = plain
        self._coroutine_hand = coroutines
        _slots.add(self)

    # Called from the pump's thread.

    def put(self, runs: Sequence[Run]) -> None:
        """Take in claimed jobs, and start running them."""
        self.held += len(runs)
        if any(map(IS_ASYNC, runs)):
            self.coroutines.extend(run for run in runs if run.is_async)
            runs = [run for run in runs if not run.is_async]
        self.plain.extend(runs)
        self.offer_plain()
        self.offer_coroutines()

    @property
    def has_room(self) -> bool:
        """Whether another job could start at once."""
        return self.held < self.count

    def have_ended(self, runs: Iterable[Run]) -> int:
        """Note that these runs have ended; returns how many of them had started."""
        count, started, busy = 0, 0, 0.0
        for run in runs:
            count += 1
            began, ended = run.started_at, run.ended_at
            if began is not None and ended is not None:
                started += 1
                busy += ended - began
        self.held -= count
        self.ended += started
        self.busy += busy
        return started

    def unstarted(self, *, all_of_them: bool) -> list[Run]:
        """Take back jobs that were not started: all of them, or those that have waited here for too long."""
        limit = float("inf") if all_of_them else time.monotonic() - PATIENCE
        taken: list[Run] = []
        for waiting in (self.plain, self.coroutines):
            try:
                while waiting[0].claimed_at <= limit:
                    taken.append(waiting.popleft())
            except IndexError:  # none is left, or a thread was quicker
                continue
        self.held -= len(taken)
        return taken

    def withdraw(self, run: Run) -> bool:
        """Take back a job that was not started; returns whether it was there."""
        for waiting in (self.plain, self.coroutines):
            try:
                waiting.remove(run)
            except ValueError:
                continue
            self.held -= 1
            return True
        return False

    def close(self) -> None:
        """End the threads; a thread that is running a job ends after it."""
        with self.lock:
            self.closed = True
        self._plain_hand.let_go()

    # Called from the hands.

    def offer_plain(self) -> None:
        """Poke the hand that runs plain functions, if any are waiting."""
        if self.plain:
            self._plain_hand.poke(self)

    def offer_coroutines(self) -> None:
        """Poke the hand that runs coroutines, if any are waiting."""
        if self.coroutines:
            self._coroutine_hand.poke(self)

    @property
    def is_wanted(self) -> bool:
        """Whether coroutines wait while plain functions have all slots: then a plain one that ends makes room."""
        return bool(self.coroutines) and not self.free

    def next_plain(self) -> Run | None:
        """The next plain job for a slot that has just run one; None: leave the slot to a coroutine."""
        return None if self.closed or (self.coroutines and not self.free) else self.take_plain()

    def take_plain(self) -> Run | None:
        """
        The next plain job, for a thread that already has a slot; without a lock.

        With ten threads and jobs of microseconds, a lock here would make the threads queue for it.
        """
        try:
            return self.plain.popleft()
        except IndexError:
            return None

    def take_coroutine(self) -> Run | None:
        """The next coroutine, which takes a slot, if one is free."""
        with self.lock:
            if self.closed or not self.free:
                return None
            try:
                run = self.coroutines.popleft()
            except IndexError:
                return None
            self.free -= 1
            return run

    def leave(self) -> None:
        """A coroutine has ended: free its slot, and offer it to a plain function first."""
        with self.lock:
            self.free += 1
        self.offer_plain()

    def forked(self) -> None:
        """In a child process: hold nothing, start nothing."""
        self.closed = True
        self.plain.clear()
        self.coroutines.clear()
