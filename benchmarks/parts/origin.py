"""For the record: the protocol of the original Proletarian, one transaction per job, compared with ours."""

from __future__ import annotations

from benchmarks.contestants import ORIGIN, OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Table
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

CONTESTANTS = (
    OURS_PG,
    ORIGIN,
    ORIGIN.having("origin-4", "a transaction per job, 4 threads", threads=4),
    ORIGIN.having("origin-10", "a transaction per job, 10 threads", threads=10),
)


def measure(run: Run) -> list[Found]:
    """The protocol without a library, on psycopg; the original itself is written in Clojure."""
    jobs = run.size(20_000)
    table = Table(
        "origin",
        f"Drain of no-op jobs, 1 worker process: {jobs:,} for ours, up to 5,000 for the others",
        "jobs/s",
        ours=OURS_PG.label,
    )

    def one(stage: Stage) -> None:
        table.add(stage.contestant.label, drain(stage, jobs).rate)

    with store("postgresql", run.folder) as postgresql:
        run.in_turn(CONTESTANTS, postgresql, one, "origin")
    return [table]
