"""SQLite with synchronous=FULL: drain and enqueue, compared with a bare loop, huey and litequeue."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import OURS, RAW_SQLITE, STATEMENTS
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import SQLITE
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

RAW_500 = replace(
    RAW_SQLITE.having("raw-500", "no library: two bare tables, batch 500", batch=500), finished=RAW_SQLITE.finished
)
CONTESTANTS = (OURS, STATEMENTS, RAW_SQLITE, RAW_500, *SQLITE)


def measure(run: Run) -> list[Found]:
    """The jobs to drain are enqueued in calls of 1,000 if the library can do that."""
    jobs, single = run.size(20_000), run.size(2_000, 500)
    rate = Table(
        "sqlite-drain",
        f"SQLite: drain of {jobs:,} no-op jobs, 1 worker process",
        "jobs/s",
        ours=OURS.label,
        goals=[Goal(RAW_SQLITE.label, 0.7), *(Goal(peer.label, 1) for peer in SQLITE)],
        notes=[
            "huey deletes a job before it runs it. litequeue's default is synchronous=NORMAL, which may lose "
            "the last commits in a power failure; all others here use FULL."
        ],
    )
    cost = Table(
        "sqlite-cpu",
        "SQLite: processor time per job in that drain",
        "µs",
        plotted=False,
        ours=OURS.label,
        more_is_better=False,
        digits=1,
    )
    alone = Table("sqlite-enqueue", f"SQLite: enqueue of {single:,} jobs, one per commit", "jobs/s", ours=OURS.label)

    def one(stage: Stage) -> None:
        took = stage.call("single", single, 1)
        alone.add(stage.contestant.label, single / (took["end"] - took["start"]))
        drained = drain(Stage(stage.contestant, stage.store, run.folder), jobs)
        rate.add(stage.contestant.label, drained.rate)
        cost.add(stage.contestant.label, drained.cost)

    with store("sqlite", run.folder) as sqlite:
        run.in_turn(CONTESTANTS, sqlite, one, "sqlite")
    return [rate, cost, alone]
