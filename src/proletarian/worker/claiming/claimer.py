"""
The claimer: takes the looks that the rhythm decides on, and puts the jobs into slots.
"""

from __future__ import annotations

import random
import time
from collections.abc import Collection, Mapping

from proletarian.connections.database import Database
from proletarian.connections.session import Session
from proletarian.drivers.driver import OwnConnection
from proletarian.events import is_wanted
from proletarian.outcomes import released
from proletarian.sql import claiming, waking
from proletarian.sql.keys import Mark
from proletarian.sql.lanes.entering import enter
from proletarian.sql.rows import Claimed, Ended
from proletarian.sql.statements import Plan
from proletarian.worker.blame import SUSPECT
from proletarian.worker.claiming.dock import Dock
from proletarian.worker.claiming.lanes import Lanes
from proletarian.worker.claiming.prefetch import Prefetch
from proletarian.worker.claiming.rhythm import Look, Rhythm, Then
from proletarian.worker.claiming.standing import Standing
from proletarian.worker.claiming.watermark import together
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import Held
from proletarian.worker.keeping.membership import Identity, Membership
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

PATIENCE = 5.0  # seconds for which a job that is being kept all the time may be held up
SAMPLE = 10  # jobs of each claim whose payloads are measured: neighbours are alike


class Claimer:
    """Claims on the pump's connection, in the pump's thread."""

    def __init__(
        self,
        session: Session,
        database: Database,
        runner: Runner,
        membership: Membership,
        held: Held,
        slots: Mapping[str, Slots],
        dock: Dock,
        standing: Standing,
        *,
        poll_interval: float,
    ) -> None:
        self.rhythm = Rhythm(slots, poll_interval=poll_interval, lot=random.random)
        self._session = session
        self._dialect = database.dialect
        self._queue = database.queue
        self._runner = runner
        self._membership = membership
        self._held = held
        self._slots = slots
        self._dock = dock
        self._standing = standing
        self._prefetch = {queue: Prefetch(mine.count) for queue, mine in slots.items()}
        self._run_id = 0
        self._lanes_first = False
        self.lanes = Lanes(session, self._dialect, self._queue, runner, standing, slots, self._fresh_runs)

    def connected(self, connection: OwnConnection) -> None:
        """On a new connection: hear of enqueues, if the database can tell us."""
        self.rhythm.connected(time.monotonic(), notifies=connection.notifies)
        if connection.notifies:
            connection.run(waking.listen(self._dialect))

    @property
    def wake_at(self) -> float:
        """When there is something to do next."""
        return min(self.rhythm.wake_at, self.lanes.wake_at)

    def is_due(self, now: float) -> bool:
        """Whether there is anything to do now."""
        return self.rhythm.is_due(now) or self.lanes.is_due(now)

    def claim(self, identity: Identity, started: float) -> tuple[int, bool]:
        """Look wherever a look is due; returns how many jobs that brought, and whether a drain is over."""
        if not self.rhythm.is_due(started):
            return (self._claim_lanes(identity, started) if self.lanes.is_due(started) else 0), False
        due = self.rhythm.due(started)
        if not self.lanes.are_served:
            return self._claim_plain(identity, due, started, 0)
        self.lanes.ask(due, started)
        # Both want the same slots, so they take turns at being asked first.
        self._lanes_first = not self._lanes_first
        if self._lanes_first:
            brought = self._claim_lanes(identity, started)
            return self._claim_plain(identity, due, started, brought)
        plain, is_over = self._claim_plain(identity, due, started, 0)
        brought = self._claim_lanes(identity, started)
        return plain + brought, is_over and not brought and self.lanes.is_quiet

    def _claim_lanes(self, identity: Identity, started: float) -> int:
        brought = 0
        for queue in self.lanes.due(started):
            missed: list[Mark] = []
            wanted, slots = self._want(queue, started), self._slots[queue]
            free = max(0, slots.count - slots.held)
            rows = self.lanes.claim(identity, queue, wanted=wanted, free=free, missed=missed, now=started)
            self._runner.keys.note(missed, after=PATIENCE)
            self._take(identity, queue, rows, time.monotonic())
            brought += len(rows)
        if brought:
            self.rhythm.beside(time.monotonic())
        return brought

    def _claim_plain(self, identity: Identity, due: Collection[str], started: float, beside: int) -> tuple[int, bool]:
        """Claim jobs without a lane; `beside` is how many jobs with one this turn has brought."""
        rhythm = self.rhythm
        rhythm.fleet = self._membership.fleet
        brought = beside
        for look in rhythm.looks({queue: self._want(queue, started) for queue in due}, started):
            brought += self._look(identity, look)
        then = rhythm.then(time.monotonic(), held=len(self._held), beside=beside)
        if then is Then.LIE_DOWN:
            self._session.insist(waking.lie_down, self._dialect, list(self._slots))
            rhythm.lay_down(time.monotonic())
        elif then is Then.GET_UP:
            self._session.insist(waking.get_up, self._dialect, list(self._slots))
            rhythm.got_up()
        return brought, then is Then.END and self.lanes.is_quiet

    def _fresh_runs(self, count: int) -> int:
        """Reserve that many run ids, above the number that it returns: new ones for each try of a claim."""
        first = self._run_id
        self._run_id += count
        return first

    def _want(self, queue: str, now: float) -> int:
        slots, prefetch = self._slots[queue], self._prefetch[queue]
        prefetch.observe(slots.ended, slots.busy, slots.held, now)
        return prefetch.want(slots.held)

    def _look(self, identity: Identity, look: Look) -> int:
        started = time.monotonic()
        marks = None if look.full else together({queue: self.rhythm.marks[queue] for queue in look.wants})
        wanted = sum(look.wants.values())

        missed: list[Mark] = []

        def claim() -> Plan[list[Claimed]]:
            # The previous try may have taken long enough for somebody to pause a queue.
            paused = yield from self._standing.in_passing()
            wants = {queue: want for queue, want in look.wants.items() if queue not in paused}
            if not wants:
                return []
            onward = marks and {level: mark for level, mark in marks.items() if level[0] in wants}
            # New run ids for each try: the previous one may have been carried out.
            first = self._fresh_runs(wanted)
            now = self._queue.now()
            return (yield from claiming.claim(self._dialect, identity.stored, wants, first, now, onward, missed))

        rows = self._session.insist(claim)
        self._runner.keys.note(missed, after=PATIENCE)
        now = time.monotonic()
        for queue, mine in _by_queue(rows, look.wants).items():
            wanted = look.wants[queue]
            self.rhythm.looked(queue, mine, wanted=wanted, full=look.full, took=now - started, now=now)
            self._take(identity, queue, self._outside(identity, queue, mine, now), now)
        return len(rows)

    def _outside(self, identity: Identity, queue: str, rows: list[Claimed], now: float) -> list[Claimed]:
        """Those under no limit. The others came without a lane: they are put into theirs, to be claimed there."""
        if not self._runner.limits.rules:
            return rows
        entered = [(row, lane) for row in rows if (lane := self._runner.limits.lane_of(row)) is not None]
        if not entered:
            return rows
        ended = [Ended(row.run_id, released(row.attempts, row.lost, row.suspect)) for row, _ in entered]
        ways = [lane for _, lane in entered]
        self._session.insist(enter, self._dialect, identity.stored, ended, ways, self._queue.now())
        self.lanes.ask([queue], now)
        away = {row.run_id for row, _ in entered}
        return [row for row in rows if row.run_id not in away]

    def _take(self, identity: Identity, queue: str, rows: list[Claimed], now: float) -> None:
        """Hand claimed jobs out to be run."""
        log = self._runner.log
        self._runner.tells_starts = is_wanted(log, "job.started")
        here = [row for row in rows if row.payload is not None]
        if len(here) < len(rows):
            self.rhythm.put_back(queue, None, now)  # there was no room for their payloads
        if not here:
            return
        runs = self._runner.claimed_all(here, queue, identity.stored, now)
        self._held.enter(runs)
        if self._membership.identity is not identity:
            self._held.strike(runs)  # declared dead meanwhile: others take these back, so running them is pointless
            return
        if is_wanted(log, "jobs.claimed"):
            log("jobs.claimed", {"queue": queue, "count": len(here)})
        self._prefetch[queue].weigh([len(row.payload) for row in here[-SAMPLE:]])
        self._hand_out(queue, runs)

    def _hand_out(self, queue: str, runs: list[Run]) -> None:
        if suspects := [run for run in runs if run.row.suspect >= SUSPECT]:
            self._dock.put(suspects)
            runs = [run for run in runs if run.row.suspect < SUSPECT]
        self._slots[queue].put(runs)


def _by_queue(rows: list[Claimed], queues: Collection[str]) -> dict[str, list[Claimed]]:
    if len(queues) == 1:
        return dict.fromkeys(queues, rows)
    found: dict[str, list[Claimed]] = {queue: [] for queue in queues}
    for row in rows:
        found[row.queue].append(row)
    return found
