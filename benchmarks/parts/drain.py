"""How fast a backlog of no-op jobs is processed: from the first handler call until no job is unfinished."""

from __future__ import annotations

from benchmarks.contestants import OURS_PG, OURS_PG_ASYNC, RAW_THREE, RAW_TWO, STATEMENTS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import PGQUEUER, PGQUEUER_100, PGQUEUER_500, POSTGRESQL
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

CONTESTANTS = (
    OURS_PG,
    OURS_PG_ASYNC,
    STATEMENTS_PG,
    RAW_THREE,
    RAW_TWO,
    PGQUEUER_500,
    PGQUEUER_100,
    PGQUEUER,
    *POSTGRESQL,
)
QUICK = (OURS_PG, STATEMENTS_PG, RAW_THREE, RAW_TWO, PGQUEUER_500)


def measure(run: Run) -> list[Found]:
    """One worker process, then two."""
    found: list[Found] = []
    with store("postgresql", run.folder) as postgresql:
        for processes in (1,) if run.quick else (1, 2):
            jobs = run.size(20_000 if processes == 1 else 100_000)
            rate, cost, worker = tables(jobs, processes)

            def one(
                stage: Stage,
                rate: Table = rate,
                cost: Table = cost,
                worker: Table = worker,
                jobs: int = jobs,
                processes: int = processes,
            ) -> None:
                drained = drain(stage, jobs, processes)
                rate.add(stage.contestant.label, drained.rate)
                cost.add(stage.contestant.label, drained.cost)
                worker.add(stage.contestant.label, drained.worker_cost)

            run.in_turn(QUICK if run.quick else CONTESTANTS, postgresql, one, f"drain, {processes} process(es)")
            found += [rate, cost, worker]
    return found


def tables(jobs: int, processes: int) -> tuple[Table, Table, Table]:
    """The tables of rates and of processor time."""
    what = f"{processes} worker process{'es' * (processes > 1)}"
    key = f"drain-{processes}"
    rate = Table(key, f"Drain of {jobs:,} no-op jobs, {what}", "jobs/s", ours=OURS_PG.label, goals=goals(processes))
    cost = Table(
        f"{key}-cpu",
        f"Processor time per job in that drain, {what} and the server",
        "µs",
        ours=OURS_PG.label,
        more_is_better=False,
        digits=1,
        notes=["Steadier than the rate if others use the machine too. Workers and server share its cores."],
    )
    worker = Table(
        f"{key}-cpu-worker",
        f"Processor time per job in that drain, {what} alone",
        "µs",
        ours=OURS_PG.label,
        more_is_better=False,
        digits=1,
        plotted=False,
    )
    return rate, cost, worker


def goals(processes: int) -> list[Goal]:
    """2 × PgQueuer's best and 0.7 × the ceiling with one process; 1.6 × with two."""
    factor = 2.0 if processes == 1 else 1.6
    return [
        Goal(PGQUEUER_500.label, factor),
        Goal(PGQUEUER_100.label, factor),
        Goal(RAW_THREE.label, 0.7),
        Goal(RAW_TWO.label, 0.7),
    ]
