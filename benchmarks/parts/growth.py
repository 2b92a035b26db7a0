"""More worker processes on one database: where the rate stops growing, and that it does not collapse."""

from __future__ import annotations

from benchmarks.contestants import OURS_PG, RAW_THREE
from benchmarks.drained import drain
from benchmarks.measured import Curve, Found
from benchmarks.peers import PGQUEUER_500
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

PROCESSES = (1, 2, 4, 8, 16)


def measure(run: Run) -> list[Found]:
    """The same backlog for all. It is large because starting sixteen interpreters would dominate a small one."""
    jobs = run.size(100_000, 40_000)
    curve = Curve("growth", f"Drain of {jobs:,} no-op jobs", "worker processes", "jobs/s", ours=OURS_PG.label)
    with store("postgresql", run.folder) as postgresql:
        for processes in PROCESSES[::2] if run.quick else PROCESSES:

            def one(stage: Stage, processes: int = processes) -> None:
                curve.add(stage.contestant.label, processes, drain(stage, jobs, processes).rate)

            run.in_turn((OURS_PG, RAW_THREE, PGQUEUER_500), postgresql, one, f"growth, {processes} process(es)")
    return [curve]
