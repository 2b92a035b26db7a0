"""How much memory a worker uses: idle, while it holds a thousand jobs, and after many jobs."""

from __future__ import annotations

import time

from benchmarks import cpu
from benchmarks.contestants import OURS_PG
from benchmarks.measured import Curve, Found, Goal, Table
from benchmarks.peers import PGQUEUER, PROCRASTINATE
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

HELD = OURS_PG.having(
    "memory-held",
    "**Proletarian**, 1,000 slots, all running",
    task="anap",
    seconds=600.0,
    size=1000,
    worker={"queues": {"default": 1000}},
)
MANY = OURS_PG.having("memory-many", OURS_PG.label)


def measure(run: Run) -> list[Found]:
    """Resident memory; for the growth only anonymous memory, because the recorder's file is mapped too."""
    jobs = run.size(1_000_000, 100_000)
    table = Table("memory", "Memory of one worker process", "MB", ours=OURS_PG.label, more_is_better=False, digits=1)
    held = Table(
        "memory-held",
        "Memory of one worker process that holds 1,000 jobs of 1 kB",
        "MB",
        ours=HELD.label,
        more_is_better=False,
        digits=1,
    )
    curve = Curve(
        "memory-many",
        f"Anonymous memory of a worker that runs {jobs:,} jobs",
        "jobs so far",
        "MB",
        ours=OURS_PG.label,
        digits=1,
    )
    growth = Table(
        "memory-growth",
        f"Anonymous memory of a worker after {jobs:,} jobs, relative to that after a tenth of them",
        "×",
        ours=OURS_PG.label,
        more_is_better=False,
        digits=2,
        goals=[Goal(None, 1.1, at_most=True)],
    )

    def idle(stage: Stage) -> None:
        jobs, into = (1000, held) if stage.contestant is HELD else (0, table)
        if jobs:
            stage.call("bulk", jobs, 1000)
        with stage.workers(1) as workers:
            stage.wait_for(jobs, workers)
            time.sleep(3)
            into.add(stage.contestant.label, cpu.memory(workers[0].pid).resident)

    def many(stage: Stage) -> None:
        sizes = grown(stage, jobs)
        for done, size in sizes:
            curve.add(stage.contestant.label, done, size)
        growth.add(stage.contestant.label, sizes[-1][1] / sizes[0][1])

    with store("postgresql", run.folder) as postgresql:
        run.in_turn((OURS_PG, HELD, PGQUEUER, PROCRASTINATE), postgresql, idle, "memory, idle")
        run.in_turn((MANY,), postgresql, many, "memory, many jobs")
    return [table, held, growth, curve]


def grown(stage: Stage, jobs: int) -> list[tuple[float, float]]:
    """(jobs so far, megabytes) after each tenth of the jobs."""
    stage.call("bulk", jobs, 10_000, timeout=3600)
    stage.store.settle()
    sizes = []
    with stage.workers(1) as workers:
        for tenth in range(1, 11):
            stage.wait_for(jobs * tenth // 10, workers, seconds=3600)
            sizes.append((float(jobs * tenth // 10), cpu.memory(workers[0].pid).anonymous))
        stage.wait_until_over()
        stage.check(jobs)
    return sizes
