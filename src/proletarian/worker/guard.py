"""
The guard: notices when the pump or the keeper is stuck, and ends what it is stuck in.

It has a thread of its own, which does not use the database and logs only after it has acted. It counts its own ticks
and reads no clock: while a handler holds the GIL, or the process is frozen, it does not tick, and nothing is mistaken
for stuck.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Protocol

from proletarian.connections.session import Flight, Session
from proletarian.events import Log
from proletarian.untraced import untraced
from proletarian.worker.health import Signs

TICK = 1.0  # seconds
SLACK = 10.0  # seconds that an answer may take, in addition to waiting for locks
LEAST = 3.0  # the same with a very short `lost_after`, because a busy machine is not a stuck one


class Part(Protocol):
    """One of the worker's threads, with its connection."""

    session: Session
    lock_wait: float  # seconds that one of its statements may wait for locks
    turns: int  # counts up
    is_resting: bool  # it sleeps until there is something to do, or does not exist


class Watched:
    """What one part was doing when last seen, and for how many ticks it has been doing just that."""

    def __init__(self, part: Part, slack: float) -> None:
        self.part = part
        self.slack = slack
        self._seen_flight: Flight | None = None
        self._seen_moves = (0, 0)
        self._ticks = 0
        self._cut: Flight | None = None

    def look(self) -> None:
        """Look at it, once per tick."""
        session = self.part.session
        flight, moves = session.flight, (session.tries, self.part.turns)
        same = flight is self._seen_flight and moves == self._seen_moves
        self._ticks = self._ticks + 1 if same else 0
        self._seen_flight, self._seen_moves = flight, moves

    def stuck(self) -> float | None:
        """
        For how long a statement has been in flight, if that is beyond its limit; each is reported once.

        The limit doubles with each cut until an answer comes. Otherwise a server that is slow, not stuck, would be
        asked the same thing forever.
        """
        session, flight = self.part.session, self._seen_flight
        if flight is None or flight is self._cut or flight is not session.flight:
            return None
        bound = (self.part.lock_wait + self.slack) * 2 ** session.late.get(flight.name, 0)
        if self._ticks * TICK < bound:
            return None
        self._cut = flight
        session.late[flight.name] = session.late.get(flight.name, 0) + 1
        return self._ticks * TICK

    def stands(self, seconds: float) -> bool:
        """Whether for that long it has neither moved nor slept nor asked the database anything."""
        return self._seen_flight is None and not self.part.is_resting and self._ticks * TICK >= seconds

    def signs(self) -> Signs:
        """What it looks like at this moment."""
        session, flight = self.part.session, self._seen_flight
        asks = flight.name if flight is not None and flight is session.flight else None
        return Signs(self.part.is_resting, asks, self._ticks * TICK, session.in_trouble)


class Guard:
    """
    Watches the parts of one worker.

    `hanging` is set when one of them has done nothing at all for `lost_after`: it hangs in a log that nobody reads,
    say. Then the worker stops proving that it is alive, so that others take its jobs.
    """

    def __init__(self, parts: Mapping[str, Part], *, lost_after: float, hanging: threading.Event, log: Log) -> None:
        slack = min(SLACK, max(LEAST, lost_after / 4))
        self._watched = {name: Watched(part, slack) for name, part in parts.items()}
        self._lost_after = lost_after
        self._hanging = hanging
        self._log = log
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="proletarian guard", daemon=True)

    def start(self) -> None:
        """Start watching, in a thread."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching."""
        self._ended.set()

    def signs(self) -> dict[str, Signs]:
        """How each part looks at this moment."""
        return {name: watched.signs() for name, watched in self._watched.items()}

    @untraced()
    def _serve(self) -> None:
        while not self._ended.wait(TICK):
            for name, watched in self._watched.items():
                watched.look()
                if (seconds := watched.stuck()) is not None:
                    watched.part.session.cut_late(name, seconds)
            self._look_for_hanging()

    def _look_for_hanging(self) -> None:
        hanging = [name for name, watched in self._watched.items() if watched.stands(self._lost_after)]
        if not hanging:
            self._hanging.clear()
        elif not self._hanging.is_set():
            self._hanging.set()
            for watched in self._watched.values():
                watched.part.session.cut()  # ends the sessions, and with them the locks that prove that we live
            self._log("worker.stuck", {"who": hanging[0], "seconds": self._lost_after})
