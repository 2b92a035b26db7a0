"""
Runs that are ours in the database, but unknown to us.

When a connection breaks during a claim, the claim may have been carried out, or may still be: its jobs would wait
forever for a worker that does not know about them.
"""

from __future__ import annotations

import time

from proletarian.connections.session import Session
from proletarian.sql.claiming import mine
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.worker.held import Held
from proletarian.worker.keeping.membership import Identity

SOON, EVERY = 0.5, 30.0  # seconds between looks: at first after trouble, and at most


class Strays:
    """Looks for them: soon after trouble, then at growing intervals, without ever quite giving up."""

    def __init__(self, session: Session, dialect: Dialect, held: Held) -> None:
        self._session = session
        self._dialect = dialect
        self._held = held
        self._troubles = 0
        self._pause = EVERY
        self._next = time.monotonic() + EVERY

    def found(self, identity: Identity) -> list[Claimed]:
        """The strays to give back; usually none, which costs only a look at the clock."""
        now = time.monotonic()
        if self._session.troubles != self._troubles:
            self._troubles, self._pause, self._next = self._session.troubles, SOON, now
        if now < self._next:
            return []
        self._pause = min(self._pause * 2, EVERY)
        self._next = now + self._pause
        known = self._held.ids()
        return [row for row in self._session.insist(mine, self._dialect, identity.stored) if row.run_id not in known]
