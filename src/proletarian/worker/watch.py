"""
Who of the colleagues is dead, judged by what one has seen oneself.

A lock proves a life: the database drops it the instant its owner's process ends. Free for
a second without a break, it means death, if it was seen held before on this connection.
If it never was, its owner may just be coming back after a restart of the server, and is
given longer. A late heartbeat means death in any case.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from proletarian.sql.rows import Colleague

GRACE = 1.0  # seconds
LOOK = 0.2  # seconds between looks, times the number of workers: a constant for the whole fleet
BACK = 15.0  # seconds after which everybody who lives has come back to a database that was away


class Watch:
    """
    What was seen of the colleagues' locks on one connection.

    `settling` is how long a lock that was never seen held must be seen free; 0 where a free
    lock is a proof by itself (a file).

    >>> ann = Colleague("ann", lock=1, lock_free=False, late=False)
    >>> watch = Watch(settling=15.0)
    >>> watch.dead([ann], free=lambda c: False, now=0.0)
    []
    >>> watch.dead([ann], free=lambda c: True, now=0.3), watch.dead([ann], free=lambda c: True, now=1.4)
    ([], ['ann'])
    """

    def __init__(self, settling: float) -> None:
        self.settling = settling
        self._held: set[Any] = set()
        self._free_since: dict[Any, float] = {}

    def dead(self, colleagues: Iterable[Colleague], free: Callable[[Colleague], bool], now: float) -> list[Any]:
        """The worker ids of those whose lock says that they are dead."""
        dead = []
        present = set()
        for colleague in colleagues:
            who = colleague.worker_id
            present.add(who)
            if colleague.lock is None:
                continue
            if not free(colleague):
                self._held.add(who)
                self._free_since.pop(who, None)
                continue
            since = self._free_since.setdefault(who, now)
            grace = min(GRACE, self.settling) if who in self._held else self.settling
            if now - since >= grace:
                dead.append(who)
        self._held &= present
        self._free_since = {who: since for who, since in self._free_since.items() if who in present}
        return dead

    @property
    def suspicious(self) -> bool:
        """Whether somebody's lock is seen free at the moment: look more often."""
        return any(who in self._held for who in self._free_since)

    def forget(self) -> None:
        """The connection is a new one: what was seen on the old one does not count."""
        self._held.clear()
        self._free_since.clear()
