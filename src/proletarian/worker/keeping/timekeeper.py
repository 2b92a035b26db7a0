"""
The timekeeper: one of the keeper's chores, it enqueues the jobs of schedules when they tick.

There is no leader. The worker that looks first locks what is due and fires it. The whole fleet looks about once a
second: the more workers there are, the less often each of them looks. But one has to be ready for each tick, so the
worker that fires also watches for the next tick. A worker that comes for a tick and finds it taken goes back to looking
from time to time; one of these finds what is due if the watcher dies.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from proletarian.connections.database import Database
from proletarian.connections.session import Session
from proletarian.control.firing import Firing, Round, declare, fire
from proletarian.events import Log
from proletarian.tasks import Tasks

SCHEDULE_LOOK = 1.0  # seconds between looks, times the number of workers; the maximum for a worker that has just fired
SAY = 60.0  # seconds between declarations of this release; a release ends after three times as long without a worker


class Timekeeper:
    """Decides when to look at the schedules of one application, and reports what comes of it."""

    def __init__(self, database: Database, tasks: Tasks, log: Log, enqueued: Callable[[], None]) -> None:
        self.due = 0.0
        self._database = database
        self._tasks = tasks
        self._log = log
        self._enqueued = enqueued
        # A worker that declares no schedules does not know whether those of the code are still wanted.
        self._declares = bool(tasks.schedules or tasks.app)
        self._next_say = 0.0
        self._refused: set[str] = set()  # schedules whose times cannot be computed on this machine; retried each minute

    def turn(self, session: Session, fleet: int) -> None:
        """Declare this release's schedules, if it is time; look, fire, and decide when to look again."""
        queue, kind, app = self._database.queue, self._database.kind, self._tasks.app
        share = SCHEDULE_LOOK * fleet * random.uniform(0.8, 1.2)  # noqa: S311 (spread, no secret)
        if time.monotonic() >= self._next_say:
            self._refused.clear()
            self.say(session)
        found = session.once(fire, queue, kind, app, declares=self._declares, refused=self._refused)
        self.due = time.monotonic() + (share if found is None else pause(found, share))
        if found is not None:
            self._tell(found)

    def say(self, session: Session) -> None:
        """Declare this release's schedules; if the release rules, they are in the database after this."""
        if self._declares:
            queue, kind, app = self._database.queue, self._database.kind, self._tasks.app
            done = session.once(declare, queue, kind, app, list(self._tasks.schedules.values()))
            if done is None:
                return  # a temporary problem: retried with the next look
            changed, deleted = done
            if changed or deleted:
                self._log("schedules.declared", {"app": app or None, "changed": changed, "deleted": deleted})
        self._next_say = time.monotonic() + SAY * random.uniform(0.8, 1.0)  # noqa: S311 (spread, no secret)

    def _tell(self, found: Round) -> None:
        if any(firing.enqueued for firing in found.firings):
            self._enqueued()
        for firing in found.firings:
            self._log("schedule.fired", known(firing))
        for name, error in found.refused.items():
            self._refused.add(name)
            self._log("schedule.failed", {"schedule": name, "error": error})


def known(firing: Firing) -> dict[str, object]:
    """What an event says about a schedule that was fired."""
    return {
        "schedule": firing.row.name,
        "job_type": firing.row.job_type,
        "tick": firing.due.last.isoformat(),
        "late": round(firing.late, 3),
        "enqueued": firing.enqueued,
        "dropped": firing.due.dropped,
    }


def pause(found: Round, share: float) -> float:
    """
    Seconds until the next look.

    >>> from datetime import UTC, datetime, timedelta
    >>> now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    >>> soon = now + timedelta(seconds=2)
    >>> pause(Round(now, None), 10.0), pause(Round(now, soon), 10.0), pause(Round(now, soon, beaten=True), 10.0)
    (10.0, 2.0, 10.0)
    """
    if found.beaten or found.next_at is None:
        return share
    most = SCHEDULE_LOOK if found.firings else share
    return min(most, max(0.0, (found.next_at - found.now).total_seconds()))
