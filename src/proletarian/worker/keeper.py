"""
The keeper: proves that this worker lives, and looks after colleagues who do not.

It has a thread and a connection of its own, apart from the pump: a claim that waits on
someone's table lock must not stop the heartbeat. In each turn it does what is due: check
its lock, beat, note progress, look at the colleagues, prune.
"""

from __future__ import annotations

import os
import random
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from proletarian.database import LONGEST_WAIT, Database, Session, Stopped
from proletarian.drivers.driver import OwnConnection
from proletarian.events import Log
from proletarian.migration import check_schema
from proletarian.outcomes import Outcome
from proletarian.sql.dialect import FOREVER
from proletarian.sql.rows import Claimed
from proletarian.worker.clock import Clock
from proletarian.worker.recovery import Recovered, recover
from proletarian.worker.watch import BACK, LOOK, Watch

TICK = 0.5  # seconds
LOCK_WAIT = 2.0  # seconds that one of its statements waits for a lock that somebody holds
LAST_WORDS = 5.0  # seconds that it may take to leave
RECOVER_EVERY = 1.0  # seconds between looks for runs without a worker, times the number of workers
PRUNE_EVERY, PRUNE_MOST = 10.0, 5000


@dataclass(frozen=True)
class Identity:
    """Who a worker is to the database, from one registration to the next."""

    uuid: UUID
    stored: Any
    lock: Any  # None: nothing but the heartbeat proves its life


@dataclass(frozen=True)
class Care:
    """How a worker proves its life, and how long it keeps what is archived (seconds; None for ever)."""

    heartbeat: float = 15.0
    lost_after: float = 60.0
    keep_succeeded: float | None = None
    keep_failed: float | None = None


class Keeper:
    """Keeps one worker registered, seen and locked."""

    def __init__(
        self,
        database: Database,
        *,
        queues: str,
        care: Care,
        log: Log,
        clock: Clock,
        decide: Callable[[Claimed, str], Outcome],
        recovered: Callable[[Recovered], None],
        declared_dead: Callable[[], None],
        failed: Callable[[BaseException], None],
        on_error: Callable[[Exception], bool],
    ) -> None:
        self.database = database
        self.dialect = database.dialect
        self.care = care
        self.clock = clock
        self.log = log
        self.identity: Identity | None = None
        self.fleet = 1  # how many workers there are, by the latest count
        self._queues = queues
        self._decide = decide
        self._recovered = recovered
        self._declared_dead = declared_dead
        self._failed = failed
        self._session = Session(
            database, log, on_connect=self._connected, on_error=on_error,
            longest_wait=min(LONGEST_WAIT, care.lost_after / 8),  # be back long before colleagues may judge us
        )  # fmt: skip
        self._watch = Watch(database.family.settling)
        self._progress: dict[tuple[Any, int], str] = {}
        self._next_beat = self._next_look = self._next_recovery = self._next_prune = 0.0
        self._locked = False
        self._in_touch_since = time.monotonic()
        self._told: datetime | None = None  # the database's time at the latest beat
        self._wake = threading.Event()
        self.registered = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proletarian keeper", daemon=True)

    # Coming and going.

    def start(self) -> None:
        """Register as soon as the database is there, and go on, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Leave: the row goes, the lock goes with the connection."""
        self._wake.set()
        self._session.closed.set()  # end a wait for a database that is away
        if self._thread.is_alive():
            self._thread.join(LAST_WORDS)  # if it hangs for longer, colleagues will see that we are gone
        if not self._thread.is_alive():
            self._leave()

    def _leave(self) -> None:
        identity, self.identity = self.identity, None
        if identity is not None:
            try:
                # Nothing else has to be in time any more: wait for a lock as long as ever.
                self._session.connection.wait_at_most(LOCK_WAIT)
                self._session.connection.run(self.dialect.unregister(identity.stored))
            except Exception as error:  # noqa: BLE001 (the database is away: colleagues will see that we are gone)
                self.log("database.unavailable", {"error": error})
        self._session.close()

    def _register(self) -> None:
        uuid = uuid4()
        lock = self.dialect.lock_of(uuid)
        stored = self.dialect.stored_worker(uuid)
        proved = self._locked = self._session.do(lambda connection: self._lock_works(connection, lock))
        self._in_touch_since, self._told = time.monotonic(), None
        self._session.run(
            self.dialect.register, stored, socket.gethostname(), os.getpid(), self._queues,
            lock if proved else None, self.care.lost_after,
        )  # fmt: skip
        self.identity = Identity(uuid, stored, lock if proved else None)
        self.log("worker.liveness", {"worker_id": uuid, "proved_by": "lock" if proved else "heartbeat"})
        self._beat(time.monotonic())

    def _lock_works(self, connection: OwnConnection, lock: Any) -> bool:
        """Take the lock, and see from a second connection that it is ours: behind a pooler it is not."""
        if not connection.hold(self.dialect, lock):
            return False
        other = self.database.connect()
        try:
            return other.held(self.dialect, lock, connection)
        finally:
            other.close()

    def _connected(self, connection: OwnConnection) -> None:
        """On each new connection: take our lock again, and trust nothing that was seen on the old one."""
        connection.wait_at_most(min(LOCK_WAIT, self.care.heartbeat / 2))
        self._watch.forget()
        self._in_touch_since = time.monotonic()
        self._locked = False
        if self.identity is not None and self.identity.lock is not None:
            self._locked = connection.hold(self.dialect, self.identity.lock)

    # The turns.

    def _serve(self) -> None:
        try:
            self._session.do(lambda connection: check_schema(connection, self.database))
            self._register()
            self.registered.set()
            while not self._wake.wait(self._pause()):
                self._turn()
            self._leave()
        except Stopped:
            self._leave()
        except BaseException as error:  # noqa: BLE001 (it ends the worker, which says why)
            self._failed(error)
        finally:
            self.registered.set()

    def _pause(self) -> float:
        due = min(self._next_look, self._next_beat, time.monotonic() + TICK)
        return max(0.01, due - time.monotonic())

    def _turn(self) -> None:
        assert self.identity is not None  # noqa: S101
        self._session.do(lambda connection: connection.check())
        lock = self.identity.lock
        if lock is not None and not self._locked:
            # Our former session still has it, though we have lost that. When it goes, be there.
            self._locked = self._session.do(lambda connection: connection.hold(self.dialect, lock))
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat(now)
        # What follows may have to wait for a lock that somebody holds: tried once, for a short time,
        # and again in a later turn. The heartbeat must not wait for it.
        if self._progress:
            self._note_progress()
        if now >= self._next_look:
            self._look(now)
        if now >= self._next_prune:
            self._prune(now)

    def _beat(self, now: float) -> None:
        assert self.identity is not None  # noqa: S101
        row = self._session.run(self.dialect.beat, self.identity.stored)
        self._next_beat = now + self.care.heartbeat
        if row is None:
            self.log("worker.declared_dead", {"worker_id": self.identity.uuid})
            self.identity = None
            self._session.drop()  # and with it the old lock
            self._declared_dead()
            self._register()
            return
        told = self.dialect.loaded_time(row[0])
        if self._told is not None and (told - self._told).total_seconds() > self.care.lost_after / 2:
            self._in_touch_since = time.monotonic()  # by the database's time we were away
        self._told = told
        self.clock.set(told)
        self.fleet = max(1, row[1])

    def _look(self, now: float) -> None:
        """At the colleagues; and take back what the dead among them ran."""
        colleagues = self._session.run(self.dialect.colleagues)
        self.fleet = max(1, len(colleagues))
        if self.identity is not None and all(self.identity.stored != c.worker_id for c in colleagues):
            self._beat(now)  # declared dead: find out what to do now, not at the next beat
            return
        others = [c for c in colleagues if self.identity is None or c.worker_id != self.identity.stored]
        dead = self._session.do(
            lambda connection: self._watch.dead(others, free=connection.is_free, now=time.monotonic())
        )
        if time.monotonic() >= self._next_beat:
            return  # held up since this turn began: the beat comes first, and tells whether we were away
        if dead or now >= self._next_recovery or any(colleague.late for colleague in others):
            self._recover(dead, now)
        share = 0.5 if self._watch.suspicious else self.fleet
        self._next_look = now + LOOK * share * random.uniform(0.8, 1.2)  # noqa: S311 (spread, no secret)

    def _recover(self, dead: list[Any], now: float) -> None:
        """Bury the dead; and now and then look for runs without a worker, whoever left them behind."""
        in_touch = time.monotonic() - self._in_touch_since
        in_touch = FOREVER if in_touch >= BACK else in_touch
        done = self._session.once(recover, self.dialect, dead, self._decide, self.database.queue.now(), in_touch)
        if done is None:
            return  # somebody's lock was in the way: with the next look
        self._next_recovery = now + RECOVER_EVERY * self.fleet * random.uniform(0.8, 1.2)  # noqa: S311 (spread)
        if done.runs or done.buried:
            self._recovered(done)
            self._next_recovery = now  # there may be more of them than one statement takes

    def _prune(self, now: float) -> None:
        full = False
        for keep, succeeded in ((self.care.keep_succeeded, True), (self.care.keep_failed, False)):
            if keep is not None:
                full |= (self._session.once(self.dialect.prune, keep, succeeded, PRUNE_MOST) or 0) >= PRUNE_MOST
        pause = TICK if full else PRUNE_EVERY * self.fleet
        self._next_prune = now + pause * random.uniform(0.8, 1.2)  # noqa: S311 (spread, no secret)

    # Progress of running jobs: only the latest of each is written.

    def note_progress(self, worker_id: Any, run_id: int, text: str) -> None:
        """Have a job's progress written with the next turn."""
        self._progress[worker_id, run_id] = text

    def _note_progress(self) -> None:
        progress, self._progress = self._progress, {}
        by_worker: dict[Any, dict[int, str]] = {}
        for (worker_id, run_id), text in list(progress.items()):
            by_worker.setdefault(worker_id, {})[run_id] = text
        for worker_id, notes in by_worker.items():
            self._session.once(self.dialect.note_progress, worker_id, notes)
