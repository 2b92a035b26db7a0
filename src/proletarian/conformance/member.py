"""A worker as the database sees it: a row, a connection, and the runs that it claims."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from proletarian.connections.database import Database
from proletarian.job import DEFAULT_QUEUE
from proletarian.outcomes import Outcome, succeeded
from proletarian.sql.claiming import claim
from proletarian.sql.lanes import claiming, looking
from proletarian.sql.lanes.claiming import Taken
from proletarian.sql.lanes.looking import Look, Rules
from proletarian.sql.living import register, unregister
from proletarian.sql.rows import Claimed, Ended, Marks
from proletarian.sql.settling import settle

HOST = "contract"


class Member:
    """One registered worker of a fleet."""

    def __init__(self, database: Database, *, lost_after: float) -> None:
        self.dialect = database.dialect
        self.connection = database.connect()
        uuid = uuid4()
        self.lock, self.pump_lock = self.dialect.lock_of(uuid), self.dialect.pump_lock_of(uuid)
        self.worker_id: Any = self.dialect.stored_worker(uuid)
        self.run_id = 0
        self.connection.run(register(self.dialect, self.worker_id, HOST, os.getpid(), "", (None, None), lost_after))

    def claim(
        self,
        limit: int = 1,
        *,
        wants: Mapping[str, int] | None = None,
        marks: Marks | None = None,
        now: datetime | None = None,
    ) -> list[Claimed]:
        """Claim due jobs: from the default queue, or a number from each queue."""
        wants = wants or {DEFAULT_QUEUE: limit}
        first, self.run_id = self.run_id, self.run_id + sum(wants.values())
        return self.connection.run(claim(self.dialect, self.worker_id, wants, first, now, marks))

    def look(self, rules: Rules, *, cursor: str = "", most: int = 100, now: datetime | None = None) -> Look:
        """See which lanes of the default queue have room."""
        plan = looking.look(self.dialect, DEFAULT_QUEUE, cursor, rules, most=most, hops=1_000, now=now)
        return self.connection.run(plan)

    def take(self, shares: Mapping[str, int], rules: Rules, *, now: datetime | None = None) -> Taken:
        """Claim due jobs from these lanes of the default queue, as they were seen."""
        first, self.run_id = self.run_id, self.run_id + sum(shares.values())
        return self.connection.run(
            claiming.claim(self.dialect, self.worker_id, DEFAULT_QUEUE, shares, rules, first, now)
        )

    def claim_lanes(self, rules: Rules, share: int = 100, *, now: datetime | None = None) -> list[Claimed]:
        """Look, and claim up to a number of jobs from each lane that has room."""
        return self.take(dict.fromkeys(self.look(rules, now=now).free, share), rules, now=now).rows

    def claim_one(self) -> Claimed:
        """Claim the only job."""
        [run] = self.claim()
        return run

    def acknowledge(self, *ended: tuple[Claimed, Outcome], now: datetime | None = None) -> set[int]:
        """Acknowledge how runs ended; returns the run ids that were still this worker's own."""
        batch = [Ended(run.run_id, outcome, awaited=run.awaited) for run, outcome in ended]
        return self.connection.run(settle(self.dialect, self.worker_id, f"{HOST}:1", batch, now))

    def succeed(self, *runs: Claimed) -> set[int]:
        """Acknowledge that runs succeeded."""
        return self.acknowledge(*[(run, succeeded(run.attempts + 1, run.lost)) for run in runs])

    def retry(self, run: Claimed, *, delay: float, keeps_place: bool = False, now: datetime | None = None) -> set[int]:
        """Acknowledge that a run failed and will be retried; in an ordered lane it keeps its place."""
        outcome = Outcome("job.retrying", None, run.attempts + 1, run.lost, delay, "[1]")
        batch = [Ended(run.run_id, outcome, keeps_place)]
        return self.connection.run(settle(self.dialect, self.worker_id, f"{HOST}:1", batch, now))

    def leave(self) -> None:
        """Leave, as at a clean stop."""
        self.connection.run(unregister(self.dialect, self.worker_id))
