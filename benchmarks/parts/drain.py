"""How fast a backlog of no-op jobs is worked off: from the first handler call until none is unfinished."""

from __future__ import annotations

from typing import NamedTuple

from benchmarks import cpu
from benchmarks.contestants import OURS_PG, OURS_PG_ASYNC, RAW_THREE, RAW_TWO, STATEMENTS_PG
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import PGQUEUER, PGQUEUER_100, PGQUEUER_500, POSTGRESQL
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

CONTESTANTS = (
    OURS_PG, OURS_PG_ASYNC, STATEMENTS_PG, RAW_THREE, RAW_TWO, PGQUEUER_500, PGQUEUER_100, PGQUEUER, *POSTGRESQL,
)  # fmt: skip
QUICK = (OURS_PG, STATEMENTS_PG, RAW_THREE, RAW_TWO, PGQUEUER_500)


def measure(run: Run) -> list[Found]:
    """One worker process, then two."""
    found: list[Found] = []
    with store("postgresql", run.folder) as postgresql:
        for processes in (1,) if run.quick else (1, 2):
            jobs = run.size(20_000)
            what = f"{processes} worker process{'es' * (processes > 1)}"
            table = Table(
                f"drain-{processes}", f"Drain of {jobs:,} no-op jobs, {what}",
                "jobs/s", ours=OURS_PG.label, goals=goals(processes),
            )  # fmt: skip
            cost = Table(
                f"drain-{processes}-cpu", f"The same, {what}: processor time a job, of worker and server together", "µs",
                ours=OURS_PG.label, more_is_better=False, digits=1,
                notes=["Steadier than the clock where others use the machine too; two cores are shared by both."],
            )  # fmt: skip
            worker = Table(
                f"drain-{processes}-cpu-worker", "Of which the worker", "µs", ours=OURS_PG.label, more_is_better=False,
                digits=1,
            )  # fmt: skip

            def one(stage: Stage, tables: tuple[Table, ...] = (table, cost, worker), processes: int = processes,
                    jobs: int = jobs) -> None:  # fmt: skip
                drained = drain(stage, jobs, processes)
                for table, figure in zip(tables, drained, strict=True):
                    table.add(stage.contestant.label, figure)

            run.in_turn(QUICK if run.quick else CONTESTANTS, postgresql, one, f"drain, {processes} process(es)")
            found += [table, cost, worker]
    return found


def goals(processes: int) -> list[Goal]:
    """2 × PgQueuer's best and 0.7 × the ceiling with one process; 1.6 × with two."""
    factor = 2.0 if processes == 1 else 1.6
    return [
        Goal(PGQUEUER_500.label, factor), Goal(PGQUEUER_100.label, factor), Goal(RAW_THREE.label, 0.7),
        Goal(RAW_TWO.label, 0.7),
    ]  # fmt: skip


class Drained(NamedTuple):
    """How a drain went."""

    rate: float  # jobs a second
    cost: float  # microseconds of processor time a job
    worker_cost: float  # those of the workers


def drain(stage: Stage, jobs: int, processes: int = 1, *, seconds: float = 300) -> Drained:
    """Fill, start the workers, wait until all is over."""
    jobs = min(jobs, stage.contestant.most)
    stage.call("bulk", jobs, 1000)
    stage.store.settle()
    server = [stage.store.server.process.pid] if stage.store.server else []
    with stage.workers(processes) as workers:
        pids = [worker.pid for worker in workers]
        stage.wait_for(1, workers, seconds=seconds, pause=0.001)
        already, before, before_server = stage.count(), cpu.seconds(*pids), cpu.seconds(*server)
        stage.wait_for(jobs, workers, seconds=seconds)
        over = stage.wait_until_over()
        spent, spent_server = cpu.seconds(*pids) - before, cpu.seconds(*server) - before_server
        ran = stage.check(jobs)
    rate = jobs / ((over - min(call.at for call in ran)) / 1e9)
    a_job = 1e6 / max(1, jobs - already)
    return Drained(rate, (spent + spent_server) * a_job, spent * a_job)
