"""
Runs that are ours in the database and that we know nothing of.

When a connection breaks in a claim, the claim may have been carried out, or may still be: its
jobs would wait for ever for a worker that does not know of them.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from proletarian.database import Session
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import Claimed
from proletarian.worker.keeper import Identity

SOON, EVERY = 0.5, 30.0  # seconds between looks: after trouble at first, and at the most
SUSPECT_FOR = 0.1  # seconds until such a run is looked at once more


class Strays:
    """Looks for them: soon after trouble, then with growing pauses, and never quite given up."""

    def __init__(self, session: Session, dialect: Dialect, known: Callable[[], set[int]]) -> None:
        self._session = session
        self._dialect = dialect
        self._known = known
        self._troubles = 0
        self._suspects: set[int] = set()
        self._pause = EVERY
        self._next = time.monotonic() + EVERY

    def found(self, identity: Identity) -> list[Claimed]:
        """The strays to give back; mostly none, at the cost of a look at the clock."""
        now = time.monotonic()
        if self._session.troubles != self._troubles:
            self._troubles, self._pause, self._next = self._session.troubles, SOON, now
        if now < self._next:
            return []
        self._pause = min(self._pause * 2, EVERY)
        self._next = now + self._pause
        known = self._known()
        rows = self._session.run(self._dialect.mine, identity.stored)
        unknown = {row.run_id: row for row in rows if row.run_id not in known}
        # Unknown twice: a thread may have been between taking a job and entering it among the running ones.
        strays = [row for run_id, row in unknown.items() if run_id in self._suspects]
        self._suspects = unknown.keys() - {row.run_id for row in strays}
        if self._suspects:
            self._next = now + SUSPECT_FOR
        return strays
