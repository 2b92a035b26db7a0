"""
When to look at the lanes of one queue, and which of them to try: facts go in, decisions come out.

A look goes round the lanes by their names, a few at a time, so that each has its turn, and one with a large backlog no
more turns than others. A lane of which a run has just ended here is tried without a look, but after those that a look
has found: the other way round, the few that had slots would keep them. Looks that bring nothing take a share of the
time and no more, but a few after a calm: a worker that has just looked in vain still picks up the next job at once.
A lane that waits for a moment (a rate, a retry) is tried when that has come.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import zip_longest
from math import inf

from proletarian.limit import Rule, name_of
from proletarian.sql.lanes.claiming import Taken
from proletarian.sql.lanes.looking import Look
from proletarian.sql.rows import Claimed

PACE = 0.004  # seconds until lanes are tried again that another worker had at that moment
SHARE = 0.05  # of the time may go into looks that bring nothing
CALM = 1.0  # seconds of that time may be saved up
PASSED_BY = 1.0  # seconds for which a lane that has to wait is not tried: people may cancel what it waits for
MOST_WAITS = 10_000  # lanes whose moment is remembered


class Round:
    """
    The decisions about one queue's lanes.

    >>> lanes = Round()
    >>> lanes.ask(0.0)
    >>> lanes.wants_look(0.0)
    True
    >>> lanes.looked(Look(free=["send:1"], waits={"send:2": 5.0}), took=0.001, now=0.0)
    ['send:1']
    >>> lanes.wants_look(0.0), lanes.wake_at          # it found some: there may be more
    (True, 0.0)
    >>> lanes.looked(Look(waits={"send:2": 5.0}), took=0.001, now=0.0)
    []
    >>> lanes.is_quiet, lanes.wake_at                 # all the way round without any
    (True, 5.0)
    """

    def __init__(self, lot: Callable[[], float] = lambda: 0.0) -> None:
        self.cursor = ""
        self._lot = lot
        self._dealt_to: str | None = None  # the last lane that had its turn
        self.is_quiet = False  # the last round found nothing, and nothing has happened since
        self.is_crowded = False  # there was no room
        self._look_at = inf
        self._cost = 0.0  # of the last look, until it has turned out to be in vain
        self._paid_at = -inf  # when the looks that brought nothing will have had no more than their share
        self._found_any = False  # in this round
        self._is_whole = True  # this round began with the first lane
        self._freed: dict[str, None] = {}
        self._moments: list[tuple[float, str]] = []  # a heap
        self._waits: dict[str, float] = {}
        self._passed_by: dict[str, float] = {}

    # Facts.

    def ask(self, now: float) -> None:
        """There may be something to claim."""
        self._look_at = min(self._look_at, max(now, self._affordable_at))

    def freed(self, lane: str) -> None:
        """A run of this lane has ended here: the next one may start."""
        self._freed[lane] = None
        self.is_quiet = False

    def ended(self) -> None:
        """Runs have ended: there is room, and each of them may have enqueued something."""
        self.is_crowded = self.is_quiet = False

    def looked(self, found: Look, *, took: float, now: float) -> list[str]:
        """A look has found this; returns the lanes to try."""
        self.cursor = found.cursor
        # Not every database sees in a look that a job waits for a retry, but a claim has found it out.
        free = [lane for lane in found.free if self._passed_by.get(lane, -inf) <= now]
        self._cost = took
        if not free:
            self._in_vain(now)
        self._found_any |= bool(free)
        self._note(found.waits, now)
        is_over = not found.cursor
        if free:
            self._look_at = now
        elif not is_over or not self._is_whole:
            self._look_at = self._affordable_at
        else:
            self._look_at = inf
        if is_over:
            self.is_quiet = self._is_whole and not self._found_any
            self._found_any, self._is_whole = False, True
        return free

    def claimed(self, taken: Taken, tried: Iterable[str], now: float) -> None:
        """A claim has brought this."""
        self._note(taken.waits, now)
        self._passed_by = {lane: at for lane, at in self._passed_by.items() if at > now}
        self._passed_by |= {lane: now + min(seconds, PASSED_BY) for lane, seconds in taken.waits.items()}
        if not taken.rows:
            self._in_vain(now)
            self._look_at = max(self._look_at, self._affordable_at)
        if any(lane not in taken.tried for lane in tried):
            self._look_at = min(self._look_at, now + PACE)
            self.is_quiet = False

    def _note(self, waits: Mapping[str, float], now: float) -> None:
        for lane, seconds in waits.items():
            at = now + seconds
            if self._waits.get(lane) != at and len(self._moments) < MOST_WAITS:
                self._waits[lane] = at
                heapq.heappush(self._moments, (at, lane))

    def _in_vain(self, now: float) -> None:
        self._paid_at = max(self._paid_at, now) + self._cost / SHARE
        self._cost = 0.0

    # Decisions.

    @property
    def _affordable_at(self) -> float:
        return self._paid_at - CALM

    @property
    def wake_at(self) -> float:
        """When there is something to do next."""
        if self.is_crowded:
            return inf
        if self._freed:
            return -inf
        return min(self._look_at, self._moments[0][0] if self._moments else inf)

    def wants_look(self, now: float) -> bool:
        """Whether it is time to look."""
        return now >= self._look_at

    def others(self, known: Sequence[str], most: int, now: float) -> list[str]:
        """Up to so many lanes to try that no look has found: those whose time has come, then those freed here."""
        tried = set(known)
        found: list[str] = []
        while self._moments and self._moments[0][0] <= now and len(found) < most:
            at, lane = heapq.heappop(self._moments)
            if self._waits.get(lane) == at:
                del self._waits[lane]
                if lane not in tried:
                    tried.add(lane)
                    found.append(lane)
        for lane in list(self._freed):
            if len(found) >= most:
                break
            del self._freed[lane]
            if lane not in tried:
                found.append(lane)
        return found

    def shares(self, lanes: Sequence[str], rules: Mapping[str, Rule], *, wanted: int, free: int) -> dict[str, int]:
        """
        How many to claim from each of these lanes, starting after the one that had the last turn.

        >>> lanes = Round()
        >>> rules = {"a": Rule(10)}
        >>> [lanes.shares(["a:1", "a:2", "a:3"], rules, wanted=wanted, free=9) for wanted in (4, 1, 1)]
        [{'a:1': 2, 'a:2': 1, 'a:3': 1}, {'a:2': 1}, {'a:3': 1}]
        """
        if self._dealt_to is None and lanes:
            lot = int(self._lot() * len(lanes))  # two workers that begin together begin with different lanes
            self._dealt_to = lanes[lot - 1] if lot else ""
        last = self._dealt_to or ""
        turns = [lane for lane in lanes if lane > last] + [lane for lane in lanes if lane <= last]
        dealt, self._dealt_to = deal(turns, rules, wanted=wanted, free=free, last=last)
        return dealt


def in_turns(rows: Iterable[Claimed]) -> list[Claimed]:
    """Claimed jobs in the order in which to start them: one of each lane, then the next of each."""
    by_lane: dict[str, list[Claimed]] = {}
    for row in rows:
        by_lane.setdefault(row.lane, []).append(row)
    rounds = zip_longest(*by_lane.values())
    return [row for one_of_each in rounds for row in one_of_each if row is not None]


def deal(
    lanes: Sequence[str], rules: Mapping[str, Rule], *, wanted: int, free: int, last: str = ""
) -> tuple[dict[str, int], str]:
    """
    How many to claim from each lane, dealt out evenly, and the last lane to be dealt one.

    From a lane with a rate, no more than can start now: a job that waits in our hands would start later than the rate
    counted it.

    >>> rules = {"a": Rule(2), "b": Rule(10), "r": Rule(every=1.0, burst=9)}
    >>> deal(["a:1", "b:1", "r:1", "a:2"], rules, wanted=9, free=1)
    ({'a:1': 2, 'b:1': 4, 'r:1': 1, 'a:2': 2}, 'b:1')
    """
    known = [(lane, rules[name_of(lane)]) for lane in lanes if name_of(lane) in rules]
    dealt: dict[str, int] = {}
    while wanted:
        before = wanted
        for lane, rule in known:
            has = dealt.get(lane, 0)
            if not wanted or has >= rule.most:
                continue
            if rule.every is not None:
                if not free:
                    continue
                free -= 1
            dealt[lane], last = has + 1, lane
            wanted -= 1
        if wanted == before:
            break
    return dealt, last
