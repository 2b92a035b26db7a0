"""Limits: what a job in a lane costs compared with a plain one, with one lane, a hundred, and ten thousand."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Table
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

PLAIN = "plain jobs"
KINDS = {  # lanes, and how many of each may run at a time
    "1 lane, 10 at a time": (1, 10),
    "100 lanes, 10 at a time": (100, 10),
    "100 lanes, 1 at a time": (100, 1),
    "10,000 lanes, 1 at a time": (10_000, 1),
}


def measure(run: Run) -> list[Found]:
    """One worker process, no-op jobs."""
    jobs = run.size(20_000)
    rate = Table("lanes", f"Drain of {jobs:,} no-op jobs under a limit, 1 worker process", "jobs/s", ours=PLAIN)
    cost = Table(
        "lanes-cpu", "Processor time per job in that drain, the worker and the server", "µs", ours=PLAIN,
        more_is_better=False, digits=1,
    )  # fmt: skip
    with store("postgresql", run.folder) as postgresql:
        for label, lanes in {PLAIN: None, **KINDS}.items():
            ours = replace(OURS_PG, label=label, options={"lanes": lanes} if lanes else {})

            def one(stage: Stage) -> None:
                drained = drain(stage, jobs)
                rate.add(stage.contestant.label, drained.rate)
                cost.add(stage.contestant.label, drained.cost)

            run.in_turn((ours,), postgresql, one, f"lanes: {label}")
    return [rate, cost]
