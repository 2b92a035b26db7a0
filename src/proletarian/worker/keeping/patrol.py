"""
Watches the other workers: finds out which are dead, and takes back what they ran.

The keeper looks when it is `due`. A watch judges; recovery follows from what it finds.
"""

from __future__ import annotations

import time
from typing import Any

from proletarian.connections.database import Database
from proletarian.connections.session import Session
from proletarian.sql.living import peers
from proletarian.sql.rows import Buried, Judged, Peer
from proletarian.worker.keeping.kept import Kept
from proletarian.worker.keeping.membership import Membership
from proletarian.worker.keeping.processes import process_of
from proletarian.worker.keeping.recovery import recover
from proletarian.worker.keeping.rota import about
from proletarian.worker.keeping.watch import PEER_LOOK, Watch
from proletarian.worker.runner import Runner

RECOVER_EVERY = 1.0  # seconds between looks for runs without a worker, times the number of workers


class Patrol:
    """Looks at the database's other workers, on the keeper's connection."""

    def __init__(
        self, session: Session, database: Database, runner: Runner, membership: Membership, kept: Kept
    ) -> None:
        self.due = 0.0  # when to look next
        self._session = session
        self._database = database
        self._dialect = database.dialect
        self._runner = runner
        self._membership = membership
        self._kept = kept
        self._watch = Watch(database.family.settling, database.family.patience)
        self._former: dict[Any, Buried] = {}  # workers that we have buried, but whose runs we have not all taken back
        self._next_recovery = 0.0
        self._pause = PEER_LOOK

    def reconnected(self) -> None:
        """There is a new connection: what was seen of locks no longer counts."""
        self._watch.reconnected()

    def look(self, now: float, *, beat_at: float) -> bool:
        """
        Look, and take back what the dead workers ran, unless our own next heartbeat is due (`beat_at`).

        Returns False if we are not among the workers that the database knows, because others took us for dead.
        """
        everyone = self._session.insist(peers, self._dialect)
        self._membership.fleet = max(1, len(everyone))
        identity = self._membership.identity
        if identity is not None and all(identity.stored != peer.worker_id for peer in everyone):
            return False
        others = [peer for peer in everyone if identity is None or peer.worker_id != identity.stored]
        dead = self._session.do(
            lambda connection: self._watch.dead(
                others, free=connection.free, now=time.monotonic(), pause=self._pause, process=process_of
            ),
            name="free",
        )
        self._pause = about(PEER_LOOK * (0.5 if self._watch.is_suspicious else self._membership.fleet))
        self.due = now + self._pause
        if time.monotonic() >= beat_at:
            return True  # held up since this turn began: the heartbeat comes first, and tells whether we were away
        if dead or now >= self._next_recovery:
            self._recover(dead, now, everyone)
        return True

    def _recover(self, dead: list[Judged], now: float, everyone: list[Peer]) -> None:
        """Bury the dead, and from time to time look for runs without a worker, whatever left them behind."""
        now_there = self._database.queue.now()
        done = self._session.once(recover, self._dialect, dead, self._runner.ends.lost, now_there, self._former)
        if done is None:
            return  # a lock was in the way: done with the next look
        self._watch.spare(judged.worker_id for judged in dead if judged.worker_id not in done.buried)
        self._next_recovery = now + about(RECOVER_EVERY * self._membership.fleet)
        for peer in everyone:
            if peer.worker_id in done.buried and not all(peer.free):
                self._evict(peer)
        if done.runs or done.buried or done.cancelled:
            self._kept.recovered(done)
            self._next_recovery = now  # there may be more of them than one statement takes
        if done.runs:
            self.due = now

    def _evict(self, peer: Peer) -> None:
        """
        Have the server end the sessions that it still has of a worker that was buried because it was silent.

        They may have locked rows that are to be taken back, and would keep them for as long as their machine is away.
        """
        for lock in peer.locks:
            self._session.do(lambda connection, lock=lock: connection.evict(self._dialect, lock), name="evict")  # type: ignore[misc]
