"""The second witness that a worker lives: a lock of its pump's session, in addition to that of its keeper's."""

from __future__ import annotations

from proletarian.connections.session import Session
from proletarian.drivers.driver import OwnConnection
from proletarian.sql.dialect import Dialect
from proletarian.worker.keeping.membership import Identity

EVERY = 0.5  # seconds between attempts to take it


class Witness:
    """Takes the lock; while a previous session of ours still holds it, keeps trying."""

    def __init__(self, session: Session, dialect: Dialect) -> None:
        self._session = session
        self._dialect = dialect
        self._for: Identity | None = None  # the worker that our sessions vouch for
        self._vouches = False  # whether the current one does
        self._next = 0.0

    def connected(self, connection: OwnConnection) -> None:
        """
        There is a new session, which holds nothing; and the previous one must not hold anything.

        The server may still have that one and its transaction, with locks on rows that we are about to settle.
        """
        if self._for is not None and self._for.pump_lock is not None:
            connection.evict(self._dialect, self._for.pump_lock)
        self._next = 0.0
        self._vouches = False

    def vouch(self, identity: Identity, now: float) -> None:
        """Hold the lock for this identity; called in each turn."""
        if (identity is self._for and self._vouches) or now < self._next:
            return
        lock = identity.pump_lock
        if lock is None or self._session.do(lambda connection: connection.hold(self._dialect, lock), name="lock"):
            self._for, self._vouches = identity, True
        else:
            self._next = now + EVERY
