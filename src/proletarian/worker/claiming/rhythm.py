"""
When a worker looks for jobs, in which queues, and how thoroughly: facts go in, decisions come out.

There are two kinds of looks. One continues where the last claim ended: it is quick, and blind to jobs that were
committed late. A full one sees everything that is due. While jobs flow, the quick one follows them, and if the flow
stops, a full one comes after it. A worker that is woken by an enqueue looks only at that queue. A worker that has
nothing to do polls all queues from time to time, in one statement, and nothing that such a look finds, or does not
find, makes it look again: an idle fleet stays idle.

Where the database cannot notify us, jobs that follow soon after others would wait for the next poll. So the polls after
a look that brought something come in quick succession at first, then at twice the distance each time.

A notification wakes all sleeping workers at once, and one of them gets the job. So in a fleet only a few look at once;
the others look after a short random delay, and several notifications during that delay cost them only one look.

There is no clock, no database and no randomness in here: the time, the size of the fleet and the random numbers are
facts too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from math import inf

from proletarian.sql.rows import Claimed
from proletarian.worker.claiming.watermark import Watermark

PACE = 0.004  # seconds between looks that each bring a little
BUSY = 0.005  # if jobs follow each other faster than this, stay awake and look instead of being woken
FEW = 3  # workers that look at once when a whole fleet is woken
SPREAD = 0.002  # seconds per worker of the fleet, over which the looks of the others are spread


@dataclass(frozen=True)
class Look:
    """What to ask the database for: how many jobs of each queue, and whether in full or from the marks on."""

    wants: Mapping[str, int]
    full: bool


class Then(Enum):
    """What to do after a turn's looks."""

    WAIT = "until the next look is due"
    LIE_DOWN = "have enqueues notify us"
    GET_UP = "spare them that"
    END = "the queues are drained"


class Rhythm:
    """
    The decisions of one worker.

    >>> rhythm = Rhythm(["mail"], poll_interval=0.1, lot=lambda: 0.5)
    >>> rhythm.connected(0.0, notifies=True)
    >>> sorted(rhythm.due(0.0)), rhythm.looks({"mail": 10}, 0.0)
    (['mail'], [Look(wants={'mail': 10}, full=True)])
    >>> rhythm.looked("mail", [], wanted=10, full=True, took=0.001, now=0.001)
    >>> rhythm.then(0.001, held=0)                  # nothing there
    <Then.LIE_DOWN: 'have enqueues notify us'>
    >>> rhythm.lay_down(0.002)
    >>> sorted(rhythm.due(0.021))                   # once more: who enqueued before did not notify
    ['mail']
    """

    def __init__(
        self, queues: Collection[str], *, poll_interval: float, lot: Callable[[], float], draining: bool = False
    ) -> None:
        self.draining = draining
        self.fleet = 1
        self.marks = {queue: Watermark() for queue in queues}
        self.paused: frozenset[str] = frozenset()  # those of our queues that we do not look at
        self._poll_interval = poll_interval
        self._lot = lot
        self._notifies = False
        self._lying = False
        self._flows = False  # the last look brought something
        self._backlog = True  # there may be more than we had room for: look as soon as there is room
        self._poll_at = 0.0  # when to look at all queues, if nothing calls for a look before
        self._looked_at = -inf
        self._brought_at = -inf
        self._pause = inf  # seconds between polls that follow what a look has brought, where nobody notifies us
        self._called: set[str] = set()  # queues to look at now
        self._crowded: set[str] = set()  # queues that were due and had no room
        self._unseen = set(queues)  # queues not seen empty since anything happened; for a drain
        self._brought: dict[str, int] = {}  # what this turn's looks brought
        self._more = self._polled = False  # of this turn

    # Facts.

    def connected(self, now: float, *, notifies: bool) -> None:
        """A new connection: what was agreed on the old one is void."""
        self._notifies, self._lying, self._backlog = notifies, False, True
        self._brought_at = -inf
        self.anything(now)

    def anything(self, now: float) -> None:
        """There may be jobs anywhere, even behind the marks."""
        self._unseen = set(self.marks)
        self._poll_at = now
        self._ask(self.marks, now)

    def ordered(self, paused: frozenset[str], now: float) -> frozenset[str]:
        """People have paused exactly these queues; returns those of ours that were not paused before."""
        paused &= self.marks.keys()
        fresh, resumed = paused - self.paused, self.paused - paused
        self.paused = paused
        self._called -= paused
        self._crowded -= paused
        if resumed:
            self._unseen |= resumed
            self._poll_at = now
            self._ask(resumed, now)
        return fresh

    def called(self, queues: Collection[str], now: float) -> None:
        """Somebody has enqueued to these queues; if the collection is empty, to any of ours, or to none of them."""
        mine = (self.marks.keys() & set(queues) if queues else set(self.marks)) - self.paused
        if not mine or (self._flows and not self._lying):
            return  # not for us, or we will look in a moment anyway
        eager = FEW / self.fleet
        lot = self._lot()
        if lot >= eager:
            self._ask(mine, now + SPREAD * self.fleet * (lot - eager) / (1 - eager))
        elif queues:
            self._called |= mine
        else:
            self._ask(mine, now)

    def ended(self, now: float) -> None:
        """Runs have ended: there is room, and each of them may have enqueued something."""
        self._unseen = set(self.marks)
        self._crowded = set()
        if self._backlog or self.draining:
            self._poll_at = now
        elif not self._notifies:
            # If nobody notifies us, looking soon is better than waiting for the poll.
            self._poll_at = min(self._poll_at, self._looked_at + PACE)

    def beside(self, now: float) -> None:
        """Lanes have brought jobs, and more may follow soon."""
        self._pause = PACE
        if not self._notifies:
            self._poll_at = min(self._poll_at, now + PACE)

    def put_back(self, queue: str, delay: float | None, now: float) -> None:
        """A run was put back to wait: in its old place (None), or until it is due."""
        self._unseen.add(queue)
        if delay is None:
            self._ask([queue], now + PACE)
        elif not delay:
            self._poll_at = min(self._poll_at, now + PACE)

    def lay_down(self, now: float) -> None:
        """From now on we are notified. Look once more, because earlier enqueues did not notify us."""
        self._lying = True
        self.anything(now)

    def got_up(self) -> None:
        """We are no longer notified."""
        self._lying = False

    # Decisions.

    @property
    def wake_at(self) -> float:
        """When there is something to do next."""
        return -inf if self._called else min(self._poll_at, *map(self._asked_at, self.marks))

    def due(self, now: float) -> Collection[str]:
        """The queues to look at now."""
        if now >= self._poll_at:
            return self.marks.keys() - self.paused if self.paused else self.marks.keys()
        return self._called | {queue for queue in self.marks if now >= self._asked_at(queue)}

    def is_due(self, now: float) -> bool:
        """Whether there is anything to do now: a look, or a poll for which all queues are paused."""
        return now >= self.wake_at

    def looks(self, wants: Mapping[str, int], now: float) -> list[Look]:
        """How to look at the queues that are due, given how many jobs of each there is room for."""
        self._polled = now >= self._poll_at
        self._brought, self._more = {}, False
        self._crowded = self._crowded - wants.keys() | {queue for queue, want in wants.items() if not want}
        idle = self._polled and not self._flows
        full: dict[str, int] = {}
        onward: dict[str, int] = {}
        for queue, want in wants.items():
            mark = self.marks[queue]
            if want and mark.wants_full(now, idle=idle, at_any_cost=self.draining):
                full[queue] = want
            elif want and mark.marks:
                onward[queue] = want
            elif queue in self._called:
                self._called.remove(queue)
                mark.ask(now)  # as soon as that is affordable, or there is room
        return [Look(some, full=some is full) for some in (full, onward) if some]

    def looked(self, queue: str, rows: Sequence[Claimed], *, wanted: int, full: bool, took: float, now: float) -> None:
        """A look at one queue has brought this."""
        short = len(rows) < wanted
        self.marks[queue].claimed(rows, full=full, short=short, took=took, now=now)
        self._brought[queue] = len(rows)
        self._more |= not short
        called = queue in self._called
        self._called.discard(queue)
        if rows:
            self._unseen.add(queue)
        elif full:
            self._unseen.discard(queue)
        if full or not short:
            return
        if rows and not self._lying:
            # The flow has stopped, and jobs that were committed late have notified nobody.
            self._ask([queue], now + PACE)
        elif called and not rows:
            # Either another worker was quicker, or the job is behind the mark, where a look that continues does not see
            # it.
            self._ask([queue], now + (SPREAD * self.fleet * self._lot() if self.fleet > 1 else 0.0))

    def then(self, now: float, *, held: int, beside: int = 0) -> Then:
        """What to do after this turn's looks, with so many jobs held, and so many brought from lanes."""
        brought = sum(self._brought.values()) + beside
        # A queue that had no room was not asked: it may have more as well.
        self._backlog = self._more or bool(self._crowded)
        if self._polled:
            self._looked_at = now
            self._pause *= 2
            self._poll_at = now + min(self._interval(), inf if self._notifies else self._pause)
        if not self._brought and self.paused < self.marks.keys():
            return Then.WAIT  # there was no room, so there was no look
        # Jobs arrive a few at a time but in quick succession: notifying us of each would cost the enqueuers more than
        # looking for them costs us.
        often = brought > 0 and now - self._brought_at < BUSY
        get_up = self._lying and (self._more or often)
        self._flows = brought > 0 and (get_up or not self._lying)
        if brought:
            self._brought_at, self._pause = now, PACE
        if self._more:
            self._poll_at = now
        elif self._flows:
            self._poll_at = min(self._poll_at, now + PACE)
        if get_up:
            return Then.GET_UP
        if brought:
            return Then.WAIT
        if self.draining and not held:
            unseen = self._unseen - self.paused
            self._ask(unseen, now)
            return Then.WAIT if unseen else Then.END
        lie_down = self._notifies and not self._lying and self._polled
        return Then.LIE_DOWN if lie_down else Then.WAIT

    def _asked_at(self, queue: str) -> float:
        if queue in self._crowded or queue in self.paused:
            return inf
        return self.marks[queue].due_at(at_any_cost=self.draining)

    def _ask(self, queues: Collection[str], at: float) -> None:
        for queue in queues:
            self.marks[queue].ask(at)

    def _interval(self) -> float:
        """The poll interval: the more workers, the longer each of them waits, so the fleet's polls stay few."""
        return self._poll_interval * (0.8 + 0.4 * self._lot()) * (1 if self.draining else self.fleet)
