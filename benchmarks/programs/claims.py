"""How long our claims take on backlogs of several sizes, each in its own tables in one database."""

from __future__ import annotations

import statistics
import time
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from benchmarks.programs.contestant import OPTIONS, URL, main, payload
from benchmarks.programs.opened import opened
from proletarian import NewJob, Queue, Tables, migrate
from proletarian.connections.database import Database
from proletarian.outcomes import succeeded
from proletarian.sql import claiming
from proletarian.sql.living import register
from proletarian.sql.rows import Ended
from proletarian.sql.settling import settle

BACKLOGS: dict[str, dict[str, Any]] = OPTIONS["backlogs"]
BATCH: int = OPTIONS["batch"]
NOW: dict[str, Any] = {}
NEXT_YEAR: dict[str, Any] = {"process_at": datetime.now(UTC) + timedelta(days=365), "priority": 5}


def queue(name: str) -> Queue:
    dot = "." if URL.startswith("postgresql") else "_"
    return Queue(tables=Tables(prefix=f"{name}{dot}"))


def fill() -> None:
    for name, backlog in BACKLOGS.items():
        migrate(URL, queue(name))
        with opened(URL) as connection:
            for count, later in ((backlog["due"], NOW), (backlog["future"], NEXT_YEAR)):
                for start in range(0, count, 10_000):
                    numbers = range(start, min(count, start + 10_000))
                    connection.execute("BEGIN")
                    jobs = [NewJob("hit", payload(number), **later) for number in numbers]
                    queue(name).enqueue_many(connection, jobs)
                    connection.execute("COMMIT")


class Claimer:
    """A worker's claims and acknowledgements on one backlog, timed."""

    def __init__(self, name: str) -> None:
        database = Database(URL, queue(name))
        self.title: str = BACKLOGS[name]["title"]
        self.dialect = database.dialect
        self.connection = database.connect()
        self.worker_id = self.dialect.stored_worker(uuid.uuid4())
        self.connection.run(register(self.dialect, self.worker_id, "bench", 1, "default", (None, None), 60.0))
        self.runs = 0
        self.mark: Any = None
        self.whole: list[float] = []
        self.onward: list[float] = []

    def claim(self, *, onward: bool) -> None:
        marks = {("default", 0): self.mark} if onward else None
        start = time.perf_counter()
        rows = self.connection.run(
            claiming.claim(self.dialect, self.worker_id, {"default": BATCH}, self.runs, None, marks)
        )
        (self.onward if onward else self.whole).append((time.perf_counter() - start) * 1000)
        self.runs += BATCH
        if len(rows) != BATCH:
            raise SystemExit(f"{self.title}: a claim brought {len(rows)} jobs, not {BATCH}")
        self.mark = rows[-1].process_at
        ended = [Ended(row.run_id, succeeded(1, 0)) for row in rows]
        self.connection.run(settle(self.dialect, self.worker_id, "bench:1", ended, None))


def claim() -> dict[str, dict[str, float]]:
    claimers = [Claimer(name) for name in BACKLOGS]
    for _ in range(OPTIONS["claims"] // 2):
        for claimer in claimers:
            claimer.claim(onward=False)
            claimer.claim(onward=True)
    return {
        kind: {claimer.title: statistics.median(getattr(claimer, kind)) for claimer in claimers}
        for kind in ("whole", "onward")
    }


main(commands={"fill": fill, "claim": claim})
