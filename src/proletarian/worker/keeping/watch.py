"""
Which of the other workers are dead, judged by this worker's own observations.

Two witnesses speak for a worker's process: a lock of its keeper's session and one of its pump's session. The database
releases both as soon as the process ends; if a session is lost for another reason, only one of them is released. A
worker on the same machine sees the process itself: that it is gone, or that it exists although its sessions do not.
What none of these can show (a frozen process, a machine that is cut off, a pooler), the missing heartbeat shows.

Everything is measured in *watched time*: the time during which we ourselves were connected to the database and looked.
It stops while we are frozen, cut off or connecting, so nobody is declared dead because of an outage that affected
everybody. It continues after our own reconnections, so a death is found even if sessions are cut again and again. And
it does not depend on jumps of the database's clock.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from proletarian.sql.rows import Judged, Peer

GRACE = 1.0  # seconds for which both witnesses must be gone
PEER_LOOK = 0.2  # seconds between looks, times the number of workers: constant for the whole fleet
HELD_UP = 1.0  # seconds by which a look may be late; beyond that, we were held up and saw nothing


class Process(Enum):
    """What can be seen of a worker's process."""

    ELSEWHERE = "nothing: it is on another machine, or hidden"
    GONE = "it has ended"
    FROZEN = "it is there, and stands still (SIGSTOP, a debugger)"
    THERE = "it is there"


def unseen(peer: Peer) -> Process:
    """Assume that every other worker is on another machine."""
    return Process.ELSEWHERE


@dataclass
class Sight:
    """What was seen of one worker; times are in watched time."""

    seen_at: Any  # its latest heartbeat
    since: float  # when this heartbeat was first seen
    before: float  # for how long it had been silent then on the database's clock; 0 for all but the first
    free_since: float | None = None  # since when none of its locks has been held
    was_held: bool = False  # one of its locks was seen held on our current connection
    is_held: bool = False  # all of them are held now


class Watch:
    """
    What was seen of the other workers.

    `settling` is how long the locks of a worker must be seen free if none of them was seen held on our current
    connection: it may just be coming back after a restart of the server. The same applies if there is only one witness,
    or if the process is seen to exist. It is 0 if a free lock is proof by itself (a file).

    A heartbeat is late after the worker's `lost_after`, or after `patience` times that while all of its locks are held,
    because then it may only be busy.

    >>> ann = Peer("ann", "host", 1, seen_at=0, silent=0.0, lost_after=60.0, locks=(1, 2), free=(False, False))
    >>> watch = Watch(settling=15.0, patience=5.0)
    >>> watch.dead([ann], free=lambda c: [False, False], now=0.0)
    []
    >>> [watch.dead([ann], free=lambda c: locks, now=0.5) for locks in ([True, False], [True, True])]
    [[], []]
    >>> watch.dead([ann], free=lambda c: [True, True], now=2.0)
    [Judged(worker_id='ann', seen_at=0)]
    """

    def __init__(self, settling: float, patience: float) -> None:
        self.settling = settling
        self.patience = patience
        self._watched = 0.0
        self._looked_at: float | None = None
        self._seen: dict[Any, Sight] = {}

    def dead(
        self,
        peers: Iterable[Peer],
        free: Callable[[Peer], Sequence[bool]],
        now: float,
        *,
        pause: float = PEER_LOOK,
        process: Callable[[Peer], Process] = unseen,
    ) -> list[Judged]:
        """
        The workers that are dead, judging by what is seen now and was seen before.

        `now` is monotonic; `pause` is how long after the previous look we meant to look again. `process` reports what
        the operating system shows of a worker's process.
        """
        if self._looked_at is not None:
            self._watched += max(0.0, min(now - self._looked_at, pause + HELD_UP))
        self._looked_at = now
        seen: dict[Any, Sight] = {}
        dead = []
        for peer in peers:
            sight = seen[peer.worker_id] = self._sight(peer)
            if self._is_gone(peer, sight, free(peer), process) or self._is_silent(peer, sight, process):
                dead.append(Judged(peer.worker_id, peer.seen_at))
        self._seen = seen
        return dead

    def _sight(self, peer: Peer) -> Sight:
        sight = self._seen.get(peer.worker_id)
        if sight is None:
            return Sight(peer.seen_at, self._watched, peer.silent)
        if sight.seen_at != peer.seen_at:
            sight.seen_at, sight.since, sight.before = peer.seen_at, self._watched, 0.0
        return sight

    def _is_gone(self, peer: Peer, sight: Sight, free: Sequence[bool], process: Callable[[Peer], Process]) -> bool:
        """
        Whether its process has ended, according to all of its locks or to the operating system.

        While a lock is held, the database still has a session of it, which may be executing its last statement.
        """
        sight.is_held = bool(free) and not any(free)
        found = process(peer) if all(free) else None
        if found is Process.GONE:
            return True
        if not free or not all(free):
            sight.free_since = None
            sight.was_held |= bool(free)
            return False
        if sight.free_since is None:
            sight.free_since = self._watched
        is_enough = sight.was_held and len(free) > 1 and found is Process.ELSEWHERE
        return self._watched - sight.free_since >= (min(GRACE, self.settling) if is_enough else self.settling)

    def _is_silent(self, peer: Peer, sight: Sight, process: Callable[[Peer], Process]) -> bool:
        """
        Whether its heartbeat is late.

        The database's clock may say that a worker that is new to us has been silent for long; but it must also miss a
        heartbeat while we watch, in case that clock has jumped or all workers were away.
        """
        lost_after = peer.lost_after
        quiet = self._watched - sight.since
        silent = quiet + max(0.0, sight.before)
        if quiet < lost_after / 2 or silent < lost_after:
            return False
        if not sight.is_held or silent >= lost_after * self.patience:
            return True
        return process(peer) in (Process.FROZEN, Process.GONE)

    def spare(self, worker_ids: Iterable[Any]) -> None:
        """Somebody has locked the rows of these: they could not send heartbeats, whether alive or not."""
        for worker_id in worker_ids:
            if sight := self._seen.get(worker_id):
                sight.since, sight.before = self._watched, 0.0

    @property
    def is_suspicious(self) -> bool:
        """Whether any worker's locks are seen free at the moment, so that we look more often."""
        return any(sight.free_since is not None and sight.was_held for sight in self._seen.values())

    def reconnected(self) -> None:
        """There is a new connection: the server may have restarted, and workers may not have retaken their locks."""
        self._looked_at = None
        for sight in self._seen.values():
            sight.was_held = False
