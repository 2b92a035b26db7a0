"""
The pump: acknowledges the runs that ended, claims the jobs to run next, then sleeps.

One thread, one connection. While one batch is on its way to the database, the next one gathers, so nothing waits for a
timer. It sleeps until a job ends, a notification arrives or the poll interval is over.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping
from functools import partial
from itertools import groupby
from operator import attrgetter

from proletarian.connections.database import Database
from proletarian.connections.outage import Outage
from proletarian.connections.session import Session, Stopped
from proletarian.drivers.driver import OwnConnection
from proletarian.untraced import untraced
from proletarian.worker.answers import Answers
from proletarian.worker.claiming.claimer import Claimer
from proletarian.worker.claiming.dock import Dock
from proletarian.worker.claiming.standing import Standing
from proletarian.worker.claiming.strays import Strays
from proletarian.worker.desk import AtDesk, Desk
from proletarian.worker.ending import Ending
from proletarian.worker.giving_back import GivingBack
from proletarian.worker.hands.hooks import Hooks
from proletarian.worker.hands.loop import Loop
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import End, Held
from proletarian.worker.keeping.kept import Kept
from proletarian.worker.keeping.membership import Membership
from proletarian.worker.keeping.recovery import Recovered
from proletarian.worker.keeping.witness import Witness
from proletarian.worker.recorder import BATCH, Recorder
from proletarian.worker.releases import Releases
from proletarian.worker.run import TAKEN
from proletarian.worker.runner import Runner
from proletarian.worker.shrinking import wait_while_it_shrinks

LOCK_WAIT = 5.0  # seconds that one of its statements waits for a lock before it is tried again
SOON = 0.05  # seconds between looks at things that do not wake us
QUEUE = attrgetter("row.queue")


class Pump(Kept):
    """Moves jobs between the database and the slots."""

    lock_wait = LOCK_WAIT

    def __init__(
        self,
        database: Database,
        runner: Runner,
        held: Held,
        slots: Mapping[str, Slots],
        loop: Loop,
        hooks: Hooks,
        membership: Membership,
        ending: Ending,
        *,
        poll_interval: float,
        on_error: Callable[[Exception], bool],
        outage: Outage,
    ) -> None:
        dialect = database.dialect
        self.emptied = threading.Event()  # stopping, and we hold nothing any more
        self.ran = 0
        self._runner = runner
        self._held = held
        self._wake = held.wake
        self._slots = slots
        self._membership = membership
        self._ending = ending
        self.session = Session(database, runner.log, on_connect=self._connected, on_error=on_error, outage=outage)
        self._dock = Dock(self.session, dialect, runner, held, slots)
        self._standing = Standing(self.session, dialect, slots, lambda orders: self._giving_back.ordered(orders))
        self._claimer = Claimer(
            self.session,
            database,
            runner,
            membership,
            held,
            slots,
            self._dock,
            self._standing,
            poll_interval=poll_interval,
        )
        self._rhythm = self._claimer.rhythm
        self._recorder = Recorder(self.session, database, runner, held, self._rhythm, self._claimer.lanes, hooks)
        self._giving_back = GivingBack(runner, held, slots, loop, self._dock, self._claimer, self._recorder)
        self._releases = Releases(self.session, runner, self._rhythm)
        self._desk = Desk(held.wake)
        runner.origin.store_of = partial(AtDesk, self._desk)
        runner.origin.results_of = self._desk.results
        self._answers = Answers(self.session, dialect, self._desk)
        self._strays = Strays(self.session, dialect, held)
        self._witness = Witness(self.session, dialect)
        self.turns = 0
        self.is_resting = True
        self._gathered: list[End] = []  # to be acknowledged
        self._recovered, self._stopping, self._finish = threading.Event(), threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proletarian pump", daemon=True)

    # Called from other threads.

    def start(self, *, drain: bool) -> None:
        """Start; with `drain`, report when nothing is due any more."""
        self._rhythm.draining = drain
        self._thread.start()

    def recovered(self, done: Recovered) -> None:
        """There may be jobs to claim, even behind the marks: they were taken back from a dead worker."""
        self._recorder.recovered(done)
        self.look()

    def look(self) -> None:
        """There may be jobs to claim, even behind the marks: taken back, or enqueued by a schedule for its tick."""
        self._recovered.set()
        self._poke()

    def declared_dead(self) -> None:
        """Our runs were taken back: those that have not started never will; the others are told."""
        for run in self._held.under_way():
            run.tell(TAKEN)

    def stop(self) -> None:
        """Claim no more, and give back what was not started."""
        self._stopping.set()
        self._poke()

    def finish(self, patience: float, end: float) -> None:
        """
        Acknowledge what has ended, give back everything else, and end.

        That may take `patience` seconds, and longer as long as there is less and less to do, until the time `end`.
        """
        self._finish.set()
        self._poke()
        if self.is_cut_off:
            self.session.closed.set()
        if self._thread.is_alive():
            self._join(patience / 2, end)
            if self._thread.is_alive():
                self.session.cut_late("pump", patience / 2)  # there is time for one more attempt on another connection
                self._join(patience / 2, end)
            self.session.closed.set()  # the database is away: our absence will have to tell it
            if self._thread.is_alive():
                self.session.cut()
            self._thread.join(1.0)
        self._wake.close()

    def _join(self, patience: float, end: float) -> None:
        def ended(seconds: float) -> bool:
            self._thread.join(seconds)
            return not self._thread.is_alive()

        at_most = max(patience, end - time.monotonic())
        wait_while_it_shrinks(lambda: len(self._held), ended, patience=patience, at_most=at_most)

    def _poke(self) -> None:
        self._wake.asleep = True
        self._wake.wake()

    @property
    def is_cut_off(self) -> bool:
        """Whether the database is unavailable, and there is nothing to tell it."""
        return self.session.in_trouble and not self._held

    # The thread.

    @untraced()
    def _serve(self) -> None:
        self.is_resting = False
        try:
            while not self._finish.is_set():
                self.turns += 1
                self._turn()
            self._give_back_all()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 (it ends the worker, which says why)
            self._ending.failed(error)
        finally:
            self._desk.close("the worker has ended: the outcome of this run no longer counts")
            self.session.close()
            self.is_resting = True
            self.emptied.set()

    def _turn(self) -> None:
        self._wake.check()
        stopping = self._stopping.is_set()
        acknowledged = self._acknowledge()
        if self._recorder.freed:
            self._recorder.freed, self._releases.wanted = False, True
        self._releases.turn(time.monotonic())
        if self._desk.is_busy:
            self._answers.give()
        now = time.monotonic()  # the same for the orders and the claim: no claim may start before they are read
        self._take_note(acknowledged, now)
        if self._held or (not stopping and self._claimer.is_due(now)):
            self._standing.follow(now, fleet=self._membership.fleet)
        self._giving_back.unstarted(all_of_them=stopping)
        claimed = 0
        if not stopping:
            claimed = self._claim(now)
        elif not self._held:
            self.emptied.set()
        if not acknowledged and not claimed:
            self._sleep()

    def _acknowledge(self) -> int:
        self._gather()
        batch, self._gathered = self._gathered[:BATCH], self._gathered[BATCH:]
        return self._recorder.record(batch)

    def _gather(self) -> None:
        """See which runs have ended: they have made room."""
        ended = self._held.gather()
        self._gathered += ended
        for queue, runs in groupby((run for run, _ in ended), key=QUEUE):
            self.ran += self._slots[queue].have_ended(runs)

    def _take_note(self, acknowledged: int, now: float) -> None:
        """Tell the rhythm and the lanes what makes another look worthwhile."""
        if acknowledged:
            self._rhythm.ended(now)
            self._claimer.lanes.ended()
        if self._recovered.is_set():
            self._recovered.clear()
            self._rhythm.anything(now)

    def _claim(self, now: float) -> int:
        identity = self._membership.identity
        if identity is None:
            return 0
        self._witness.vouch(identity, now)
        if strays := self._strays.found(identity):
            self._recorder.give_back([self._runner.claimed(row, identity.stored, now) for row in strays])
        if self._dock.keeps_others_away:
            return 0
        self._gather()
        claimed, is_over = self._claimer.claim(identity, now)
        if is_over and not self._releases.last_look():
            self._ending.drained()
        return claimed

    def _connected(self, connection: OwnConnection) -> None:
        self._witness.connected(connection)
        connection.wait_at_most(LOCK_WAIT)
        connection.drop_after(self._membership.care.lost_after)
        self._standing.connected(notifies=connection.notifies)
        self._claimer.connected(connection)

    def _give_back_all(self) -> None:
        """At the end, give back what is still running, so another worker can start it at once."""
        left = self._held.under_way()
        while left:
            self._acknowledge_all()
            bite, left = left[-BATCH:], left[:-BATCH]
            # A run that was completed in a transaction still open is left alone: its row is locked, and when we are
            # gone, it will have no owner, or be gone too.
            self._recorder.give_back([run for run in bite if run.ended_at is None and not run.completed])
        self._acknowledge_all()

    def _acknowledge_all(self) -> None:
        while self._held.has_ends or self._gathered:
            self._acknowledge()

    def _sleep(self) -> None:
        self._wake.asleep = True
        waits = self._desk.is_busy and not self._answers.left_some
        if self._held.has_ends or self._gathered or waits or self._finish.is_set():
            self._wake.asleep = False
            return
        wake_at = self._claimer.wake_at
        if self._held:  # a job that we hold may be cancelled
            wake_at = min(wake_at, self._standing.due_at(self._membership.fleet))
        timeout = max(0.0, min(wake_at - time.monotonic(), self._releases.due_in(time.monotonic())))
        if self._dock.keeps_others_away:
            timeout = SOON
        elif self._recorder.undecided or self._dock.is_busy or self._desk.is_busy:
            timeout = min(timeout, SOON)
        if self._membership.identity is None or self._stopping.is_set():
            timeout = max(timeout, 0.02)  # nothing is claimed now, so nothing is due
        self.is_resting = True
        called = self.session.do(lambda connection: self._wait(connection, timeout), name="listen")
        self.is_resting = False
        self._wake.asleep = False
        if called is not None:
            self._rhythm.called(called, time.monotonic())

    def _wait(self, connection: OwnConnection, timeout: float) -> Collection[str] | None:
        self.session.rest()
        return connection.called() if connection.wait(self._wake, timeout) else None
