"""
Claims jobs that are under a limit: looks at the lanes that the rounds decide on, and claims from those.

Used by the claimer, in the pump's thread. A worker without limits asks once a second, when it reads its standing
orders, whether there are any jobs with a lane.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable
from math import inf

from proletarian.connections.session import Session
from proletarian.queue import Queue
from proletarian.sql.dialect import Dialect
from proletarian.sql.keys import Mark
from proletarian.sql.lanes import claiming, looking
from proletarian.sql.lanes.claiming import Taken
from proletarian.sql.lanes.looking import Look
from proletarian.sql.orders import Orders
from proletarian.sql.rows import Claimed
from proletarian.sql.statements import Plan
from proletarian.worker.claiming.round import Round, in_turns
from proletarian.worker.claiming.standing import Standing
from proletarian.worker.keeping.membership import Identity
from proletarian.worker.runner import Runner

HOPS = 1_000  # lanes in one look at most, which takes about 12 ms
MOST = 500  # lanes in one claim


class Lanes:
    """The lanes of a worker's queues."""

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        queue: Queue,
        runner: Runner,
        standing: Standing,
        queues: Collection[str],
        fresh_runs: Callable[[int], int],
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._queue = queue
        self._runner = runner
        self._limits = runner.limits
        self._standing = standing
        self._fresh_runs = fresh_runs
        self._rounds = {queue: Round(random.random) for queue in queues}
        self._present: frozenset[str] = frozenset()
        self.paused: frozenset[str] = frozenset()

    # Facts.

    def ordered(self, orders: Orders, now: float) -> None:
        """The orders were read: what people have ordered, and which queues have jobs with a lane."""
        resumed, self.paused = self.paused - orders.paused, orders.paused
        before = self._limits.rules
        self._limits.change(orders.limits)
        fresh = orders.lanes - self._present
        self._present = orders.lanes
        for queue, mine in self._rounds.items():
            if queue in fresh or queue in resumed or self._limits.rules is not before:
                mine.ask(now)

    def ended(self) -> None:
        """Runs have ended."""
        for mine in self._rounds.values():
            mine.ended()

    def freed(self, queue: str, lane: str) -> None:
        """A run of this lane has ended or was given back, and the database knows about it."""
        if (mine := self._rounds.get(queue)) is not None:
            mine.freed(lane)

    def ask(self, queues: Iterable[str], now: float) -> None:
        """There may be something to claim in these queues."""
        for queue in queues:
            self._rounds[queue].ask(now)

    # Decisions.

    @property
    def _served(self) -> Collection[str]:
        """The queues whose lanes we look at."""
        return (self._rounds.keys() if self._limits.rules else self._present & self._rounds.keys()) - self.paused

    @property
    def are_served(self) -> bool:
        """Whether there is a limit, or any job with a lane."""
        return bool(self._limits.rules or self._present)

    @property
    def wake_at(self) -> float:
        """When there is something to do next."""
        return min((self._rounds[queue].wake_at for queue in self._served), default=inf)

    def is_due(self, now: float) -> bool:
        """Whether there is anything to do now."""
        return self.are_served and now >= self.wake_at

    def due(self, now: float) -> list[str]:
        """The queues that have something to do now."""
        return [queue for queue in self._served if now >= self._rounds[queue].wake_at]

    @property
    def is_quiet(self) -> bool:
        """Whether no job of any lane can start now, as far as we know; for a drain."""
        return all(self._rounds[queue].is_quiet for queue in self._served)

    # Effects.

    def claim(
        self, identity: Identity, queue: str, *, wanted: int, free: int, missed: list[Mark], now: float
    ) -> list[Claimed]:
        """Claim up to so many jobs of a queue, but from lanes with a rate no more than can start at once."""
        mine = self._rounds[queue]
        mine.is_crowded = not wanted
        if not wanted:
            return []
        most = min(wanted, MOST)
        tried: list[str] = []
        if mine.wants_look(now):
            began_after = mine.cursor
            tried += self._look(queue, mine, most)
            if began_after and not mine.cursor and 0 < len(tried) < most:
                # The first lanes are next. Without them the last ones would share what is wanted among themselves.
                first = self._look(queue, mine, most - len(tried))
                tried += [lane for lane in first if lane <= began_after]
        if len(tried) < most:
            tried += mine.others(tried, most - len(tried), now)
        share = mine.shares(tried, self._limits.rules, wanted=wanted, free=free)
        if not share:
            return []

        def take() -> Plan[Taken]:
            # The previous try may have taken long enough for somebody to pause the queue.
            paused = yield from self._standing.in_passing()
            if queue in paused:
                return Taken(tried=set(share))
            first = self._fresh_runs(wanted)
            rules = self._limits.rules
            dialect, stored, now = self._dialect, identity.stored, self._queue.now()
            return (yield from claiming.claim(dialect, stored, queue, share, rules, first, now, missed))

        taken = self._session.insist(take)
        mine.claimed(taken, share, time.monotonic())
        return in_turns(taken.rows)

    def _look(self, queue: str, mine: Round, most: int) -> list[str]:
        started = time.monotonic()

        def look() -> Plan[Look]:
            rules, now = self._limits.rules, self._queue.now()
            return (yield from looking.look(self._dialect, queue, mine.cursor, rules, most=most, hops=HOPS, now=now))

        found = self._session.insist(look)
        now = time.monotonic()
        for name in self._limits.unknown(found.unknown, now):
            self._runner.log("lane.unknown", {"queue": queue, "name": name, "known": sorted(self._limits.rules)})
        return mine.looked(found, took=now - started, now=now)
