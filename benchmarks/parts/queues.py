"""Many queues in one worker: it claims from all of them in one statement, so they should cost little."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Curve, Found
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SLOTS = 64


def measure(run: Run) -> list[Found]:
    """The same jobs and the same slots, spread over more and more queues."""
    jobs = run.size(20_000)
    curve = Curve(
        "queues",
        f"Drain of {jobs:,} no-op jobs, {SLOTS} slots in all, 1 worker process",
        "queues",
        "jobs/s",
        ours=OURS_PG.label,
    )
    with store("postgresql", run.folder) as postgresql:
        for count in (1, 8, 64) if run.quick else (1, 2, 4, 8, 16, 32, 64):
            queues = {f"queue-{number}": SLOTS // count for number in range(count)}
            ours = replace(OURS_PG, options={"worker": {"queues": queues}})

            def one(stage: Stage, count: int = count) -> None:
                curve.add(stage.contestant.label, count, drain(stage, jobs).rate)

            run.in_turn((ours,), postgresql, one, f"{count} queue(s)")
    return [curve]
