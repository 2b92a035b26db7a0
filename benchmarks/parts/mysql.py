"""MariaDB and MySQL: drain and enqueue, compared with the same statements without the library and django-tasks-db."""

from __future__ import annotations

from benchmarks.contestants import OURS, STATEMENTS
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import DJANGO_TASKS
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import NAMES, store

CONTESTANTS = (OURS, STATEMENTS, DJANGO_TASKS)


def measure(run: Run) -> list[Found]:
    """InnoDB flushes its log at each commit, as it does by default."""
    return [table for name in ("mariadb", "mysql") for table in on(run, name)]


def on(run: Run, name: str) -> list[Found]:
    """One of the two."""
    jobs, single = run.size(20_000), run.size(2_000, 500)
    rate = Table(
        f"{name}-drain",
        f"{NAMES[name]}: drain of {jobs:,} no-op jobs, 1 worker process",
        "jobs/s",
        ours=OURS.label,
        goals=[Goal(STATEMENTS.label, 0.7)],
        notes=["DBOS supports only PostgreSQL and SQLite, and the other peers only PostgreSQL or Redis."],
    )
    cost = Table(
        f"{name}-cpu",
        f"{NAMES[name]}: processor time per job in that drain, worker and server",
        "µs",
        plotted=False,
        ours=OURS.label,
        more_is_better=False,
        digits=1,
    )
    alone = Table(
        f"{name}-enqueue",
        f"{NAMES[name]}: enqueue of {single:,} jobs, one per commit",
        "jobs/s",
        plotted=False,
        ours=OURS.label,
    )

    def one(stage: Stage) -> None:
        took = stage.call("single", single, 1)
        alone.add(stage.contestant.label, single / (took["end"] - took["start"]))
        drained = drain(Stage(stage.contestant, stage.store, run.folder), jobs)
        rate.add(stage.contestant.label, drained.rate)
        cost.add(stage.contestant.label, drained.cost)

    with store(name, run.folder) as server:
        run.in_turn(CONTESTANTS, server, one, name)
    return [rate, cost, alone]
