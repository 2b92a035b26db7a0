"""
The keeper: proves that this worker lives, and deals with peers that have died.

It has a thread and a connection of its own, separate from the pump: a claim that waits for a table lock must not stop
the heartbeat. In each turn it does what is due: check its lock, send a heartbeat, note progress, look at the peers, do
the chores. The heartbeat is not a chore, because no other worker can send it for this one; nor is recovery, which
follows from what a look finds.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import uuid4

from proletarian.connections.database import Database
from proletarian.connections.outage import Outage
from proletarian.connections.session import LONGEST_WAIT, Session, Stopped
from proletarian.drivers.driver import FIRST_ANSWERS, OwnConnection, cut_after
from proletarian.migration import check_schema
from proletarian.sql.keys import write_down
from proletarian.sql.living import beat, register, unregister
from proletarian.sql.progress import note_progress
from proletarian.sql.statements import Plan, Row
from proletarian.untraced import untraced
from proletarian.worker.ending import Ending
from proletarian.worker.keeping.kept import Kept
from proletarian.worker.keeping.membership import Identity, Membership
from proletarian.worker.keeping.patrol import Patrol
from proletarian.worker.keeping.processes import process_here
from proletarian.worker.keeping.pruning import pruning, retention_of
from proletarian.worker.keeping.releasing import releasing, sweeping_edges
from proletarian.worker.keeping.rota import Rota
from proletarian.worker.keeping.sweeping import sweeping
from proletarian.worker.keeping.timekeeper import Timekeeper
from proletarian.worker.keeping.weeding import weeding
from proletarian.worker.runner import Runner

TICK = 0.5  # seconds
LOCK_WAIT = 2.0  # seconds that one of its statements waits for a lock
LAST_WORDS, LAST_WORD = 3.0, 1.0  # seconds that leaving may take, and noticing that it is cut off


class Keeper:
    """Keeps one worker registered, its heartbeat going and its lock held."""

    def __init__(
        self,
        database: Database,
        runner: Runner,
        membership: Membership,
        kept: Kept,
        ending: Ending,
        *,
        queues: str,
        host: str | None = None,
        on_error: Callable[[Exception], bool],
        has_pump: bool = True,
        outage: Outage | None = None,
        timekeeper: Timekeeper | None = None,
        hanging: threading.Event | None = None,
    ) -> None:
        self.database = database
        self.dialect = database.dialect
        self.runner = runner
        self.log = runner.log
        self.membership = membership
        self.care = care = membership.care
        self._queues = queues
        self._host = host or socket.gethostname()
        self._kept = kept
        self._ending = ending
        self.session = Session(
            database, runner.log, on_connect=self._connected, on_error=on_error,
            longest_wait=min(LONGEST_WAIT, care.lost_after / 8),  # reconnect long before peers may judge us
            outage=outage,
        )  # fmt: skip
        self._has_pump = has_pump
        self._timekeeper = timekeeper
        self._hanging = hanging or threading.Event()  # a part of this worker hangs: do not vouch for it
        self.lock_wait = min(LOCK_WAIT, care.heartbeat / 2)
        self.turns = 0
        self.is_resting = True
        self._patrol = Patrol(self.session, database, runner, membership, kept)
        chores = [sweeping(self.dialect), weeding(self.dialect), releasing(runner, kept.look), sweeping_edges(runner)]
        if has_pump:
            chores.append(pruning(self.dialect, lambda: retention_of(runner.tasks, care), self._now))
        self._rota = Rota(self.session, chores)
        self._next_beat = 0.0
        self._lock: Any = None  # the lock that each new connection of ours has to hold
        self._locked = False
        self._wake = threading.Event()
        self.registered = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proletarian keeper", daemon=True)

    def _now(self) -> datetime:
        return self.database.queue.now() or self.runner.clock.now()

    # Starting and stopping.

    def start(self) -> None:
        """Register as soon as the database is available, and keep going, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Leave: the row is deleted, and the lock goes with the connection."""
        self._wake.set()
        self.session.closed.set()  # ends a wait for a database that is away
        if self._thread.is_alive():
            self._thread.join(LAST_WORDS)
        if self._thread.is_alive():
            # If it hangs nevertheless, peers will see that we are gone.
            if not self.session.cut_late("keeper", LAST_WORDS):
                self.session.cut()
            self._thread.join(LAST_WORD)
        if not self._thread.is_alive():
            self._leave()

    def _leave(self) -> None:
        identity, self.membership.identity = self.membership.identity, None
        if identity is not None:
            try:
                # Nothing else is urgent any more, so wait for a lock for the full time.
                self.session.connection.wait_at_most(LOCK_WAIT)
                self.session.connection.run(unregister(self.dialect, identity.stored))
            except Exception as error:  # noqa: BLE001 (the database is away: peers will see that we are gone)
                self.session.outage.begins(self.session, error, None)
        self.session.close()

    def _register(self) -> None:
        uuid = uuid4()
        lock = self.dialect.lock_of(uuid)
        stored = self.dialect.stored_worker(uuid)
        proved = self._locked = self.session.do(lambda connection: self._lock_works(connection, lock), name="lock")
        self._lock = lock if proved else None  # set now, because the connection may break before the answer arrives
        pump_lock = self.dialect.pump_lock_of(uuid) if proved and self._has_pump else None
        self.session.insist(
            register, self.dialect, stored, self._host, os.getpid(), self._queues,
            (self._lock, pump_lock), self.care.lost_after, self.runner.tasks.job_types(), process_here(),
            self.runner.limits.declared(),
        )  # fmt: skip
        self.membership.identity = Identity(uuid, stored, self._lock, pump_lock)
        self.log("worker.liveness", {"worker_id": uuid, "proved_by": "lock" if proved else "heartbeat"})
        self._beat(time.monotonic())

    def _lock_works(self, connection: OwnConnection, lock: Any) -> bool:
        """Take the lock, and check from a second connection that it is ours, which fails behind a pooler."""
        if not connection.hold(self.dialect, lock):
            return False
        other = self.database.connect()
        try:
            with cut_after(FIRST_ANSWERS, other):  # the guard knows only the session's own connection
                if other.held(self.dialect, lock, connection):
                    return True
            # If our session has just been ended, its lock is gone too: then this raises, and all of it is tried again.
            connection.held(self.dialect, lock, connection)
            return False
        finally:
            other.close()

    def _connected(self, connection: OwnConnection) -> None:
        """On each new connection, take our lock again, and give the others time to take theirs."""
        connection.wait_at_most(self.lock_wait)
        connection.drop_after(self.care.lost_after)
        self._patrol.reconnected()
        self._locked = False
        if self._lock is not None:
            connection.evict(self.dialect, self._lock)  # our previous session, which may still exist on the server
            self._locked = connection.hold(self.dialect, self._lock)

    # The turns.

    @untraced()
    def _serve(self) -> None:
        self.is_resting = False
        try:
            self.session.do(lambda connection: check_schema(connection, self.database), name="check_schema")
            self._register()
            if self._timekeeper is not None:
                self._timekeeper.say(self.session)
            self.registered.set()
            leave = False
            while not leave:  # at least one turn, because a worker that only drains cleans up too
                self.turns += 1
                self._turn()
                leave = self._rested()
            self._leave()
        except Stopped:
            self._leave()
        except BaseException as error:  # noqa: BLE001 (it ends the worker, which says why)
            self._ending.failed(error)
        finally:
            self.is_resting = True
            self.registered.set()

    def _rested(self) -> bool:
        """Sleep until there is something to do; returns True if it is time to leave."""
        self.is_resting = True
        leave = self._wake.wait(self._pause())
        self.is_resting = False
        return leave

    def _pause(self) -> float:
        due = min(self._patrol.due, self._next_beat, time.monotonic() + TICK)
        if self._timekeeper is not None:
            due = min(due, self._timekeeper.due)
        return max(0.01, due - time.monotonic())

    def _turn(self) -> None:
        if self._hanging.is_set():
            self.session.drop()  # and with it the lock
            return
        self.session.do(lambda connection: connection.check(), name="check")
        if self._lock is not None and not self._locked:
            # Our previous session, which we have lost, still holds it. Take it as soon as that session ends.
            self._locked = self.session.do(lambda connection: connection.hold(self.dialect, self._lock), name="lock")
        now = time.monotonic()
        if now >= self._next_beat:
            self._beat(now)
        # The following may have to wait for a lock. It is tried once, for a short time, and again in a later turn,
        # because the heartbeat must not wait.
        self._note_progress()
        self._write_keys(now)
        if self._timekeeper is not None and time.monotonic() >= self._timekeeper.due:
            self._timekeeper.turn(self.session, self.membership.fleet)
        if now >= self._patrol.due and not self._patrol.look(now, beat_at=self._next_beat):
            self._beat(now)  # declared dead: find that out now, not at the next heartbeat
        self._rota.turn(self.membership.fleet)

    def _beat(self, now: float) -> None:
        identity = self.membership.identity
        assert identity is not None  # noqa: S101
        found = self.session.once(self._try_to_beat, identity.stored)
        if found is None:
            # A lock is in the way. Deal with the peers in the meantime.
            self._next_beat = time.monotonic() + max(TICK, self.care.heartbeat / 8)
            return
        [row] = found
        self._next_beat = now + self.care.heartbeat
        if row is None:
            self.log("worker.declared_dead", {"worker_id": identity.uuid})
            self.membership.identity = self._lock = None
            self.session.drop()  # and with it the old lock
            self._kept.declared_dead()
            self._register()
            return
        self.runner.clock.set(self.dialect.loaded_time(row[0]))
        self.membership.fleet = max(1, row[1])

    def _try_to_beat(self, stored: Any) -> Plan[list[Row | None]]:
        return [(yield from beat(self.dialect, stored))]

    def _note_progress(self) -> None:
        for worker_id, notes in self.runner.progress.taken().items():
            self.session.once(note_progress, self.dialect, worker_id, notes)

    def _write_keys(self, now: float) -> None:
        for mark in self.runner.keys.due(now):
            if self.session.once(write_down, self.dialect, mark):
                self.runner.keys.written(mark)
