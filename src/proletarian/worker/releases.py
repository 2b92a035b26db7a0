"""Releases jobs that have waited for others, as soon as this worker has acknowledged that one has ended."""

from __future__ import annotations

import time
from math import inf

from proletarian.connections.session import Session
from proletarian.queue import Queue
from proletarian.sql.flows.late import look_late
from proletarian.sql.flows.releasing import Released, release
from proletarian.worker.claiming.rhythm import Rhythm
from proletarian.worker.runner import Runner

PACE = 0.02  # seconds until the next release, after one that released nothing
PATIENCE, SOON = 2.0, 0.01  # seconds that a drain waits for the releases of others, and between its looks


class Releases:
    """Releases on the pump's connection. What it leaves because somebody has a row locked is left to the keeper."""

    def __init__(self, session: Session, runner: Runner, rhythm: Rhythm) -> None:
        self._session = session
        self._runner = runner
        self._rhythm = rhythm
        self.wanted = False  # a job was told that one it waits for has ended
        self._not_before = 0.0

    @property
    def _queue(self) -> Queue:
        return self._runner.queue

    def turn(self, now: float) -> None:
        """
        If any job was told of an end, count it, until there is nothing left to do.

        After a release that let no job run, it waits a moment: in a large batch that is the rule, and counting each
        acknowledgement would cost more than the acknowledgement itself.
        """
        if not self.wanted or now < self._not_before:
            return
        self.wanted = False
        ready, more = 0, True
        while more:
            done = self._release()
            ready, more = ready + done.ready, done.more
        self._not_before = 0.0 if ready else now + PACE

    def due_in(self, now: float) -> float:
        """Seconds until `turn` should be called; infinity if no job was told of an end."""
        return max(0.0, self._not_before - now) if self.wanted else inf

    def _release(self) -> Released:
        done = self._session.insist(release, self._runner.dialect, self._queue.now())
        self._runner.tell_cancelled(done.cancelled)
        if done.ready:
            self._rhythm.anything(time.monotonic())
        return done

    def last_look(self) -> bool:
        """Before a drain ends: has a job ended that others wait for, and that they were not told of?"""
        after, ended = 0, 0
        while True:
            count, after = self._session.insist(look_late, self._runner.dialect, after)
            ended += count
            if not after:
                break
        return self._to_the_end() or ended > 0

    def _to_the_end(self) -> bool:
        """Release, and wait a moment for others that are releasing: there may be nobody after us."""
        until, ready = time.monotonic() + PATIENCE, False
        while True:
            done = self._release()
            ready |= done.ready > 0
            if not (done.more or done.left) or time.monotonic() > until:
                return ready
            if not done:
                time.sleep(SOON)
