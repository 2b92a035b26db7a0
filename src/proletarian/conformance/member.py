"""A worker as the database sees it: a row, a connection, and the runs that it claims."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

from proletarian.database import Database
from proletarian.job import DEFAULT_QUEUE
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Claimed, Ended, Marks

HOST = "contract"


class Member:
    """One registered worker of a fleet."""

    def __init__(self, database: Database, *, lost_after: float) -> None:
        self.dialect = database.dialect
        self.connection = database.connect()
        uuid = uuid4()
        self.lock = self.dialect.lock_of(uuid)
        self.worker_id: Any = self.dialect.stored_worker(uuid)
        self.run_id = 0
        self.connection.run(self.dialect.register(self.worker_id, HOST, os.getpid(), "", None, lost_after))

    def claim(
        self,
        limit: int = 1,
        *,
        wants: Mapping[str, int] | None = None,
        marks: Marks | None = None,
        now: datetime | None = None,
    ) -> list[Claimed]:
        """Take due jobs: of the default queue, or so many of each queue."""
        wants = wants or {DEFAULT_QUEUE: limit}
        first, self.run_id = self.run_id, self.run_id + sum(wants.values())
        return self.connection.run(self.dialect.claim(self.worker_id, wants, first, now, marks))

    def claim_one(self) -> Claimed:
        """Take the one job that there is."""
        [run] = self.claim()
        return run

    def acknowledge(self, *ended: tuple[Claimed, Outcome], now: datetime | None = None) -> set[int]:
        """Say how runs ended; gives the run ids that were still this worker's own."""
        batch = [Ended(run.run_id, outcome) for run, outcome in ended]
        return self.connection.run(self.dialect.settle(self.worker_id, f"{HOST}:1", batch, now))

    def succeed(self, *runs: Claimed) -> set[int]:
        """Say that runs ended well."""
        return self.acknowledge(
            *[(run, Outcome("job.succeeded", "success", run.attempts + 1, run.lost)) for run in runs]
        )

    def leave(self) -> None:
        """Go, as at a clean stop."""
        self.connection.run(self.dialect.unregister(self.worker_id))
