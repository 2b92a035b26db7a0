"""
Standing orders (pauses and cancellations), read in time and obeyed by all parts of a worker.

If the database notifies us, orders are read at once. In any case they are read before a claim that comes `EVERY`
seconds after the last reading, so no claim starts more than a second after a pause was committed, and just as often
while the worker holds jobs. An idle worker reads them with its polls, which the whole fleet shares.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from math import inf

from proletarian.connections.session import Session
from proletarian.sql import orders
from proletarian.sql.dialect import Dialect
from proletarian.sql.orders import Orders
from proletarian.sql.statements import Plan

EVERY = 0.8  # seconds between readings at most; a reading takes less than the rest of a second


class Standing:
    """The orders as this worker last read them, on the pump's connection."""

    def __init__(
        self, session: Session, dialect: Dialect, queues: Collection[str], obey: Callable[[Orders], None]
    ) -> None:
        self.orders = Orders()
        self._session = session
        self._dialect = dialect
        self._queues = list(queues)
        self._obey = obey
        self._read_at = -inf
        self._hears = False
        self._in_passing = False

    def connected(self, *, notifies: bool) -> None:
        """There is a new connection: in the meantime, nobody was told of new orders."""
        self._hears = notifies and self._dialect.notifies
        self._read_at = -inf

    def due_at(self, fleet: int) -> float:
        """When to read them next; a worker that is told of new orders reads them only in case it missed something."""
        return self._read_at + EVERY * (fleet if self._hears else 1)

    def is_current(self) -> bool:
        """Whether a claim may start, because we know what was paused a second ago."""
        return self._read_at > -inf and (self._hears or time.monotonic() < self._read_at + 1.0)

    def follow(self, now: float, *, fleet: int) -> None:
        """Read the orders if it is time to, and obey them."""
        told = self._session.do(lambda connection: connection.ordered(), name="orders")
        # A request read in passing may be for an earlier run of a job that was retried, and claimed, since.
        outdated = self._in_passing and self.orders.cancelled
        if told or outdated or now >= self.due_at(fleet):
            self._session.insist(self._reading)
        elif not self._in_passing:
            return
        self._in_passing = False
        self._obey(self.orders)

    def in_passing(self) -> Plan[frozenset[str]]:
        """
        The paused queues, as a claim must know them, even if it is a late retry.

        Other new orders are obeyed at the next `follow`.
        """
        if not self.is_current():
            yield from self._reading()
            self._in_passing = True
        return self.orders.paused

    def _reading(self) -> Plan[None]:
        read_at = time.monotonic()  # before the reading: it may not include what is committed while it is under way
        self.orders = yield from orders.orders(self._dialect, self._queues)
        self._read_at = read_at
