"""One outage of a database, as all sessions of a worker meet it: reported once, and its end once."""

from __future__ import annotations

import threading
import time
from typing import Any

from proletarian.events import Log


class Outage:
    """
    What is known about a database's trouble, shared by the sessions that use it.

    The first session that is refused reports it, the last one that recovers reports that it is over. A session that
    slept through all of it finds its connection dead only afterwards: that is not a second outage.

    >>> told = []
    >>> outage = Outage(lambda event, data: told.append(event))
    >>> pump, keeper, began = object(), object(), time.monotonic()
    >>> outage.begins(pump, OSError(), began); outage.begins(keeper, OSError(), began)
    >>> outage.ends(pump); outage.ends(keeper); outage.begins(pump, OSError(), began)
    >>> told
    ['database.unavailable', 'database.recovered']
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._troubled: set[Any] = set()
        self._since = self._over = float("-inf")

    def begins(self, who: object, error: Exception, opened: float | None) -> None:
        """`who` was refused, on a connection that was opened at that time, or that could not be opened."""
        with self._lock:
            first = not self._troubled
            if first and opened is not None and opened < self._over:
                return  # the connection was opened before the last outage ended, and died in it
            if first:
                self._since = time.monotonic()
            self._troubled.add(id(who))
        if first:
            self._log("database.unavailable", {"error": error})

    def ends(self, who: object) -> None:
        """`who` got an answer."""
        with self._lock:
            if id(who) not in self._troubled:
                return
            self._troubled.discard(id(who))
            if self._troubled:
                return
            self._over = time.monotonic()
        self._log("database.recovered", {"after": round(self._over - self._since, 3)})

    def leaves(self, who: object) -> None:
        """`who` will not ask anymore."""
        with self._lock:
            self._troubled.discard(id(who))
