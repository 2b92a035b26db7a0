"""Jobs that compute for 20 ms: in threads, in one child process, and in one for each CPU."""

from __future__ import annotations

from benchmarks.contestants import OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.parts.real_work import iterations_of_a_millisecond
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

MILLISECONDS = 20
ONE, TWO, THREADS = "`Processes(1)`", "`Processes(2)`", "10 threads"


def measure(run: Run) -> list[Found]:
    """On two CPUs, two processes must do 1.8 times the work of one, with little overhead."""
    jobs = run.size(1_000, 200)
    compute = OURS_PG.having("compute", "", task="compute", iterations=MILLISECONDS * iterations_of_a_millisecond())
    title = f"{jobs:,} jobs of {MILLISECONDS} ms of computing, 1 worker"
    rates = Table("processes", title, "jobs/s", ours=TWO, goals=[Goal(ONE, 1.8), Goal(THREADS, 1.8)])
    costs = Table(
        "processes-cost", f"{title}: processor time of the worker and its children", "ms per job", ours=TWO,
        more_is_better=False, digits=2, plotted=False, goals=[Goal(THREADS, 1.1, at_most=True)],
    )  # fmt: skip
    contestants = [
        compute.having("threads", THREADS, worker={"queues": {"default": 10}}),
        compute.having("one", ONE, processes=1),
        compute.having("two", TWO, processes=2),
    ]
    with store("postgresql", run.folder) as postgresql:

        def one(stage: Stage) -> None:
            drained = drain(stage, jobs)
            rates.add(stage.contestant.label, drained.rate)
            costs.add(stage.contestant.label, drained.worker_cost / 1000)

        run.in_turn(contestants, postgresql, one, title)
    return [rates, costs]
