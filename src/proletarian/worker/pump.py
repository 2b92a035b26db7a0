"""
The pump: acknowledges the runs that ended, claims the jobs to run next, then sleeps.

One thread, one connection. While one batch is on its way to the database the next one
gathers, so nobody waits for a timer. It sleeps until a job ends, a notification comes or
the poll interval is over.
"""

from __future__ import annotations

import random
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from proletarian.database import Database, Session, Stopped
from proletarian.events import Log, is_wanted
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Claimed
from proletarian.sql.statements import Plan
from proletarian.worker.keeper import Identity, Keeper
from proletarian.worker.lane import Lane
from proletarian.worker.recorder import Recorder
from proletarian.worker.run import Run, Runner
from proletarian.worker.strays import Strays
from proletarian.worker.wake import Wake
from proletarian.worker.watermark import Watermark, joined

BATCH = 1000  # runs in one acknowledgement
PACE = 0.004  # seconds between claims that each bring a little
BUSY = 0.005  # notifications that follow each other faster than this: stay up and look instead


@dataclass
class Rest:
    """What the pump remembers of when to claim next."""

    lying: bool = False  # enqueues notify us
    backlog: bool = True  # there may be more than we had room for: claim as soon as there is room
    look_at: float = 0.0  # the next claim, if nothing calls for one before
    looked_at: float = 0.0
    brought_at: float = 0.0  # when a claim last brought something


class Pump:
    """Moves jobs between the database and the lanes."""

    def __init__(
        self,
        database: Database,
        runner: Runner,
        keeper: Keeper,
        lanes: Mapping[str, Lane],
        *,
        log: Log,
        poll_interval: float,
        given_up: Callable[[Run, BaseException], None],
        failed: Callable[[BaseException], None],
        drained: Callable[[], None],
        on_error: Callable[[Exception], bool],
    ) -> None:
        self.database = database
        self.dialect = database.dialect
        self.runner = runner
        self.keeper = keeper
        self.lanes = lanes
        self.log = log
        self.poll_interval = poll_interval
        self.wake = Wake()
        self.stopping = threading.Event()
        self.emptied = threading.Event()  # stopping, and nothing is left in our hands
        self.ran = 0
        self._draining = False
        self._failed = failed
        self._drained = drained
        self._session = Session(database, log, on_connect=self._connected, on_error=on_error)
        self._recorder = Recorder(self._session, database, runner, log=log, given_up=given_up, put_back=self._put_back)
        self._ended: deque[tuple[Run, Outcome]] = deque()
        self._watermarks = {queue: Watermark() for queue in lanes}
        self._rest = Rest()
        self._run_id = 0
        self._strays = Strays(self._session, database.dialect, self._known_runs)
        self._finish = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proletarian pump", daemon=True)

    # From other threads.

    def start(self, *, drain: bool) -> None:
        """Go; with `drain`, say so once nothing is due any more."""
        self._draining = drain
        self._thread.start()

    def look(self) -> None:
        """There may be something to claim, behind the marks too: it was taken back from a dead colleague."""
        for mark in self._watermarks.values():
            mark.ask()
        self._rest.look_at = 0.0
        self._poke()

    def ended(self, run: Run, outcome: Outcome) -> None:
        """A run has come to its end; called by the thread or the loop that ran it."""
        run.ended_at = time.monotonic()
        self._ended.append((run, outcome))
        self.wake.wake()

    def stop(self) -> None:
        """Claim no more, and give back what was not started."""
        self.stopping.set()
        self._poke()

    def finish(self, timeout: float) -> None:
        """Acknowledge what has ended, give back all that has not, and end."""
        self._finish.set()
        self._poke()
        if self.is_cut_off:
            self._session.closed.set()
        if self._thread.is_alive():
            self._thread.join(timeout)
            self._session.closed.set()  # the database is away: it will have to be told by our absence
            self._thread.join(1.0)
        self.wake.close()

    def _poke(self) -> None:
        self.wake.asleep = True
        self.wake.wake()

    @property
    def is_cut_off(self) -> bool:
        """Whether the database is away, and there is nothing that it would have to be told."""
        return self._session.in_trouble and not self.held

    @property
    def held(self) -> int:
        """Jobs in this worker's hands, those included that wait for their acknowledgement."""
        return sum(lane.held for lane in self.lanes.values()) + len(self._ended) + len(self._recorder.undecided)

    def _holds_nothing(self) -> bool:
        """Looked at twice: a thread may be between taking a job and entering it among the running ones."""
        if self.held:
            return False
        time.sleep(0.001)
        return not self.held

    # The thread.

    def _serve(self) -> None:
        try:
            while not self._finish.is_set():
                self._turn()
            self._give_back_all()
        except Stopped:
            pass
        except BaseException as error:  # noqa: BLE001 (it ends the worker, which says why)
            self._failed(error)
        finally:
            self._session.close()
            self.emptied.set()

    def _turn(self) -> None:
        acknowledged = self._acknowledge()
        identity = self.keeper.identity
        if self.stopping.is_set():
            self._recorder.give_back([run for lane in self.lanes.values() for run in lane.unstarted(all_of_them=True)])
            claimed = 0
        else:
            self._recorder.give_back([run for lane in self.lanes.values() for run in lane.unstarted(all_of_them=False)])
            claimed = self._claim(identity) if identity is not None and self._due(acknowledged) else 0
        if self.stopping.is_set() and self._holds_nothing():
            self.emptied.set()
        if not acknowledged and not claimed:
            self._sleep()

    def _due(self, acknowledged: int) -> bool:
        """Whether to claim in this turn."""
        rest, now = self._rest, time.monotonic()
        if now >= rest.look_at:
            return True
        if not acknowledged:
            return False
        if rest.backlog or self._draining:
            return True
        if not self._notifies:
            # There is room again; where nobody notifies us, looking soon beats waiting for the poll.
            rest.look_at = min(rest.look_at, rest.looked_at + PACE)
        return now >= rest.look_at

    @property
    def _notifies(self) -> bool:
        return self._session.is_open and self._session.connection.notifies

    # Claim.

    def _claim(self, identity: Identity) -> int:
        rest, started = self._rest, time.monotonic()
        if strays := self._strays.found(identity):
            self._recorder.give_back([self.runner.claimed(row, identity.stored, started) for row in strays])
        wants = {queue: want for queue, lane in self.lanes.items() if (want := lane.want(started))}
        if not wants:
            rest.backlog, rest.look_at = True, started + self._interval()
            return 0
        blind = {
            queue: want
            for queue, want in wants.items()
            if not self._watermarks[queue].wants_full(started, at_any_cost=self._draining)
        }
        full = {queue: want for queue, want in wants.items() if queue not in blind}
        brought = 0
        for some, is_full in ((full, True), (blind, False)):
            if some:
                brought += self._claim_some(identity, some, full=is_full)
        return brought

    def _claim_some(self, identity: Identity, wants: Mapping[str, int], *, full: bool) -> int:
        started = time.monotonic()
        marks = None if full else joined({queue: self._watermarks[queue] for queue in wants})
        wanted = sum(wants.values())

        def claim() -> Plan[list[Claimed]]:
            # Fresh run ids for each try: the one before may have been carried out.
            first = self._run_id
            self._run_id += wanted
            return self.dialect.claim(identity.stored, wants, first, self.database.queue.now(), marks)

        rows = self._session.run(claim)
        self.runner.tells_starts = is_wanted(self.log, "job.started")
        now = time.monotonic()
        by_queue: dict[str, list[Claimed]] = {queue: [] for queue in wants}
        for row in rows:
            by_queue[row.queue].append(row)
        for queue, mine in by_queue.items():
            short = len(mine) < wants[queue]
            self._watermarks[queue].claimed(mine, full=full, short=short, took=now - started, now=now)
            if mine and self.keeper.identity is identity:
                if is_wanted(self.log, "jobs.claimed"):
                    self.log("jobs.claimed", {"queue": queue, "count": len(mine)})
                self.lanes[queue].put([self.runner.claimed(row, identity.stored, now) for row in mine])
            # else: declared dead meanwhile; a colleague takes these back, to run them would be in vain
        more = any(len(mine) == wants[queue] for queue, mine in by_queue.items())
        self._plan_next(len(rows), more=more, now=now)
        return len(rows)

    def _plan_next(self, brought: int, *, more: bool, now: float) -> None:
        """When to claim again, after a claim that brought so many; `more`: of some queue all that was wanted."""
        rest = self._rest
        rest.looked_at = now
        # A queue that had no room was not asked: it may have more as well.
        rest.backlog = more or any(not lane.has_room for lane in self.lanes.values())
        often = brought > 0 and now - rest.brought_at < BUSY
        if brought:
            rest.brought_at = now
        if rest.lying and (more or often):
            # Few at a time but in quick succession: to be told of each would cost the enqueuers
            # more than to look for them costs us.
            self._get_up()
        if more:
            rest.look_at = now
            return
        if brought and not rest.lying:
            rest.look_at = now + PACE
        elif self._notifies and not rest.lying:
            self._session.run(self.dialect.lie_down, list(self.lanes))
            rest.lying = True
            rest.look_at = now  # once more: whoever enqueued before we lay down did not notify
        else:
            rest.look_at = now + self._interval()
        # A full look comes after the handlers of what was just brought have begun.
        soonest = now + PACE if brought else now
        blind = [max(soonest, mark.affordable_at) for mark in self._watermarks.values() if mark.is_blind]
        rest.look_at = min([rest.look_at, *([now] if blind and self._draining else blind)])
        if self._draining and not brought and not blind and rest.look_at > now and self._holds_nothing():
            self._drained()

    def _interval(self) -> float:
        """The poll interval: the more workers, the longer each of them waits, so that the fleet's polls stay few."""
        spread = random.uniform(0.8, 1.2)  # noqa: S311 (spread, no secret)
        return self.poll_interval * spread * (1 if self._draining else self.keeper.fleet)

    def _get_up(self) -> None:
        self._session.run(self.dialect.get_up, list(self.lanes))
        self._rest.lying = False

    def _connected(self, connection: Any) -> None:
        self._rest = Rest()
        for mark in self._watermarks.values():
            mark.ask()
        if connection.notifies:
            connection.run(self.dialect.listen())

    # Acknowledge.

    def _acknowledge(self) -> int:
        batch = [self._ended.popleft() for _ in range(min(len(self._ended), BATCH))]
        for run, _ in batch:
            lane = self.lanes[run.row.queue]
            lane.ended += 1
            lane.busy += run.ran
        self.ran += len(batch)
        return self._recorder.record(batch)

    def _put_back(self, run: Run, outcome: Outcome) -> None:
        """A run was put back to wait: find it again, at its old place or when it is due."""
        if outcome.delay is None:
            self._watermarks[run.row.queue].ask()
        if not outcome.delay:
            self._rest.look_at = min(self._rest.look_at, time.monotonic() + PACE)

    # Give back.

    def _give_back_all(self) -> None:
        """The end: what is still running is given back, so that a colleague can start it at once."""
        left = [run for lane in self.lanes.values() for run in lane.runs()]
        while self._ended:
            self._acknowledge()
        # One that was completed in a transaction still open is left: its row is locked, and will be
        # nobody's, or gone, when we are gone.
        self._recorder.give_back([run for run in left if not run.is_over and not run.completed])

    def _known_runs(self) -> set[int]:
        # Lanes first: a run is among the ended before it leaves its lane.
        known = {run.row.run_id for lane in self.lanes.values() for run in lane.runs()}
        return known | {run.row.run_id for run, _ in (*self._ended, *self._recorder.undecided)}

    def _sleep(self) -> None:
        self.wake.asleep = True
        if self._ended or self._finish.is_set():
            self.wake.asleep = False
            return
        timeout = max(0.0, self._rest.look_at - time.monotonic())
        if self._recorder.undecided:
            timeout = min(timeout, 0.05)
        if self._session.do(lambda connection: connection.wait(self.wake, timeout)) and not self._ended:
            self._rest.look_at = 0.0
        self.wake.asleep = False
