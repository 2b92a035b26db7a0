"""What a forgotten transaction does to the rate: a drain while another connection holds an old snapshot."""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from benchmarks.contestants import OURS_PG, RAW_THREE
from benchmarks.drained import slices, worked_off
from benchmarks.measured import Curve, Found, Goal, Table
from benchmarks.peers import PGQUEUER_100
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SLICES = 10


def measure(run: Run) -> list[Found]:
    """Each contestant without the snapshot, then with it."""
    jobs = run.size(200_000, 50_000)
    size = jobs // SLICES
    table = Table(
        "old-snapshot",
        f"The last {size:,} of {jobs:,} jobs while another connection holds an old snapshot, "
        "compared with the rate without one",
        "× its own rate",
        ours=OURS_PG.label,
        digits=2,
        goals=[Goal(None, 0.85)],
    )
    curve = Curve(
        "old-snapshot-slices",
        "Drain with and without an old snapshot, slice by slice",
        "jobs so far",
        "jobs/s",
        ours=OURS_PG.label,
    )

    def one(stage: Stage) -> None:
        last = {}
        for held in (False, True):
            fresh = Stage(stage.contestant, stage.store, run.folder)
            fresh.call("bulk", jobs, 1000)
            fresh.store.settle()
            with old_snapshot(fresh.store.url) if held else nothing():
                rates = slices(worked_off(fresh, jobs, seconds=900).ran, size)
            label = f"{stage.contestant.label}, {'old' if held else 'no old'} snapshot"
            for number, rate in enumerate(rates):
                curve.add(label, (number + 1) * size, rate)
            last[held] = statistics.mean(rates[-2:]) if run.quick else rates[-1]
        table.add(stage.contestant.label, last[True] / last[False])

    with store("postgresql", run.folder) as postgresql:
        run.in_turn((OURS_PG, RAW_THREE, PGQUEUER_100), postgresql, one, "old snapshot")
    return [table, curve]


@contextmanager
def old_snapshot(url: str) -> Iterator[None]:
    """A forgotten transaction: it has read something and keeps its snapshot."""
    with psycopg.connect(url) as connection:
        connection.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        connection.execute("SELECT count(*) FROM pg_class")
        yield
        connection.rollback()


@contextmanager
def nothing() -> Iterator[None]:
    """No such transaction."""
    yield
