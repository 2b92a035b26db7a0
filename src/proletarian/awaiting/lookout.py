"""
The lookout of a process: it polls for the ends of all jobs that are waited for in one database.

One thread with one connection, however many callers wait, for as long as any of them does. A look is one statement for
all waiters that are due. The pause between looks for a waiter is a tenth of the time that it has waited, so an end is
noticed quickly compared with how long it took, and workers have nothing to do for those who wait.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Hashable, Sequence
from concurrent.futures import Future, InvalidStateError
from dataclasses import dataclass, field
from typing import Any

from proletarian.drivers.driver import Family, OwnConnection
from proletarian.drivers.places import Place, place_of
from proletarian.drivers.registry import FAMILIES
from proletarian.looking.seeing import as_stored
from proletarian.shared import Shared
from proletarian.sql.dialect import Dialect
from proletarian.sql.ends import End, ends
from proletarian.sql.moving import places
from proletarian.untraced import untraced

FIRST, LONGEST, SHARE = 0.01, 0.5, 0.1  # seconds between looks: at first, at most; and as a share of the time waited
TOGETHER = 1000  # jobs in one look
AT_MOST = 5.0  # seconds that one look may take
AFTER_TROUBLE = 0.5
LINGER = 2.0  # seconds that it stays after the last wait has ended


def pause(waited: float) -> float:
    """
    How long until the next look for somebody who has waited this long.

    >>> pause(0.0), pause(1.0), pause(60.0)
    (0.01, 0.1, 0.5)
    """
    return min(LONGEST, max(FIRST, waited * SHARE))


@dataclass(eq=False)
class Waiter:
    """A caller that waits for a job's end, and finally asks where the job is."""

    stored_id: Any
    end: Future[End] = field(default_factory=Future)
    place: Future[End | str | None] = field(default_factory=Future)
    since: float = field(default_factory=time.monotonic)
    due: float = 0.0
    trouble: Exception | None = None  # what the last look raised

    @property
    def is_done(self) -> bool:
        """Whether nobody waits for it anymore."""
        return self.end.done() and (not self.end.cancelled() or self.place.done())


class Lookout:
    """One thread and one connection for all callers that wait for jobs of one queue in one database."""

    def __init__(self, key: Hashable, place: Place, dialect: Dialect) -> None:
        self._key = key
        self._place = place
        self._family: Family = FAMILIES[place.database]
        self._dialect = dialect
        self._waiters: list[Waiter] = []
        self._news = threading.Condition(_lock)
        self._connection: OwnConnection | None = None
        self._thread = threading.Thread(target=self._serve, name="proletarian lookout", daemon=True)

    def watch(self, stored_id: Any) -> Waiter:
        """Start to look for a job's end."""
        waiter = Waiter(stored_id)
        with self._news:
            if not self._thread.is_alive():
                self._thread.start()
            self._waiters.append(waiter)
            self._news.notify()
        return waiter

    def ask_place(self, waiter: Waiter) -> None:
        """Stop looking for the job's end, and find out where it is instead."""
        waiter.end.cancel()
        with self._news:
            waiter.due = 0.0
            self._news.notify()

    def forget(self, waiter: Waiter) -> None:
        """Stop looking for it."""
        waiter.end.cancel()
        waiter.place.cancel()

    def forked(self) -> None:
        """In a child process, where the thread does not exist: let go of the parent's connection."""
        if self._connection is not None:
            self._connection.forked()

    # The thread.

    @untraced()
    def _serve(self) -> None:
        latest = 0.0
        try:
            while due := self._next(latest):
                latest = time.monotonic()
                for start in range(0, len(due), TOGETHER):
                    self._look(due[start : start + TOGETHER])
        finally:
            if self._connection is not None:
                self._connection.close()

    def _next(self, latest: float) -> list[Waiter]:
        """Wait until some waiters are due, and return them; none if nobody has waited for a while."""
        until = time.monotonic() + LINGER
        with self._news:
            while True:
                self._waiters = [waiter for waiter in self._waiters if not waiter.is_done]
                now = time.monotonic()
                if self._waiters:
                    until = now + LINGER
                    turn = max(min(waiter.due for waiter in self._waiters), latest + FIRST)
                    if turn <= now:
                        return [waiter for waiter in self._waiters if waiter.due <= now + FIRST / 2]
                elif now >= until:
                    _lookouts.pop(self._key, None)  # under the lock: a new waiter gets a new lookout
                    return []
                else:
                    turn = until
                self._news.wait(turn - now)

    def _look(self, waiters: Sequence[Waiter]) -> None:
        try:
            self._answer(waiters)
        except Exception as error:  # noqa: BLE001 (sorted out here; drivers share no parent class)
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()
            passes = self._family.is_transient(error) or self._family.is_ended(error)
            said = self._family.explain(error) or error
            for waiter in waiters:
                waiter.trouble, waiter.due = said, time.monotonic() + AFTER_TROUBLE
                if not passes:
                    _fail(waiter.end, said)
                if waiter.end.cancelled():
                    _fail(waiter.place, said)

    def _answer(self, waiters: Sequence[Waiter]) -> None:
        if self._connection is None:
            self._connection = self._place.connect()
            self._connection.end_after(AT_MOST)
        found = self._connection.run(ends(self._dialect, list({waiter.stored_id for waiter in waiters})))
        now = time.monotonic()
        asked: list[Waiter] = []
        for waiter in waiters:
            waiter.trouble = None
            end = found.get(self._dialect.loaded_id(waiter.stored_id))
            if end is not None:
                _tell(waiter.end, end)
                _tell(waiter.place, end)
            elif waiter.end.cancelled():
                asked.append(waiter)
            waiter.due = now + pause(now - waiter.since)
        if asked:
            where = self._connection.run(places(self._dialect, [waiter.stored_id for waiter in asked]))
            for waiter in asked:
                _tell(waiter.place, where.get(self._dialect.loaded_id(waiter.stored_id)))


def _tell(future: Future[Any], value: Any) -> None:
    with contextlib.suppress(InvalidStateError):  # nobody waits anymore
        future.set_result(value)


def _fail(future: Future[Any], error: Exception) -> None:
    with contextlib.suppress(InvalidStateError):
        future.set_exception(error)


_lock = threading.RLock()
_lookouts: dict[Hashable, Lookout] = {}


def watched(where: Any, shared: Shared, job_id: Any) -> tuple[Lookout, Waiter]:
    """Start to look for a job's end, with this process's lookout for its queue and database."""
    place = place_of(where)
    dialect = shared.dialect(place.database)
    stored_id = as_stored(shared, dialect, job_id)
    key = (where if isinstance(where, str) else id(where), dialect)
    with _lock:
        found = _lookouts.get(key)
        if found is None:
            found = _lookouts[key] = Lookout(key, place, dialect)
        return found, found.watch(stored_id)


def _forked() -> None:
    global _lock
    _lock = threading.RLock()  # another thread may have held the old one
    for each in _lookouts.values():
        each.forked()
    _lookouts.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forked)
