"""How soon an idle worker picks up a job: from the return of the enqueue call to the first line of the handler."""

from __future__ import annotations

import time

from benchmarks.contestants import LIMITED, LIMITED_PG, OURS, OURS_PG, OURS_PG_ASYNC, RAW_NOTIFY
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import DRAMATIQ_POSTGRES, PGQUEUER, SQLITE
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import NAMES, store

CONTESTANTS = (OURS_PG, OURS_PG_ASYNC, LIMITED_PG, RAW_NOTIFY, DRAMATIQ_POSTGRES, PGQUEUER)
QUICK = (OURS_PG, RAW_NOTIFY, PGQUEUER, DRAMATIQ_POSTGRES)
GAP = 0.02


def measure(run: Run) -> list[Found]:
    """The median and the slowest hundredth, over the jobs of each round."""
    jobs = run.size(500, 200)
    middle, slow = tables(jobs)
    floor = Table(
        "latency-floor",
        f"For comparison, {RAW_NOTIFY.label}",
        "ms",
        more_is_better=False,
        digits=2,
        notes=["The notification may arrive before the sender has its own answer, so a figure can be negative."],
    )

    def one(stage: Stage) -> None:
        waits = waited(stage, jobs)
        if stage.contestant is RAW_NOTIFY:
            floor.add("median", at(waits, 0.50))
            floor.add("p99", at(waits, 0.99))
        else:
            middle.add(stage.contestant.label, at(waits, 0.50))
            slow.add(stage.contestant.label, at(waits, 0.99))

    with store("postgresql", run.folder) as postgresql:
        run.in_turn(QUICK if run.quick else CONTESTANTS, postgresql, one, "latency")
    found: list[Found] = [middle, slow, floor]
    if not run.quick:
        found.append(elsewhere(run, run.size(200)))
    return found


def elsewhere(run: Run, jobs: int) -> Table:
    """The databases without notifications: there a worker polls."""
    table = Table(
        "latency-elsewhere",
        f"Pick-up by an idle worker on the other databases, {jobs} jobs {GAP * 1000:g} ms apart: median",
        "ms",
        more_is_better=False,
        digits=2,
    )
    contestants = {"sqlite": (OURS, LIMITED, *SQLITE), "mariadb": (OURS, LIMITED), "mysql": (OURS, LIMITED)}
    for name, able in contestants.items():

        def one(stage: Stage, name: str = name) -> None:
            table.add(f"{NAMES[name]}: {stage.contestant.label}", at(waited(stage, jobs), 0.50))

        with store(name, run.folder) as opened:
            run.in_turn(able, opened, one, f"latency, {name}")
    return table


def tables(jobs: int) -> tuple[Table, Table]:
    """p50 and p99, with their goals."""
    what = f"Pick-up by an idle worker, {jobs} jobs {GAP * 1000:g} ms apart"
    middle = Table("latency-p50", f"{what}: median", "ms", ours=OURS_PG.label, more_is_better=False, digits=2)
    slow = Table("latency-p99", f"{what}: 99th percentile", "ms", ours=OURS_PG.label, more_is_better=False, digits=2)
    for table, bound in ((middle, 0.8), (slow, 1.5)):
        table.goals = [Goal(None, bound, at_most=True)]
        table.goals += [Goal(peer.label, 1.0, at_most=True) for peer in (DRAMATIQ_POSTGRES, PGQUEUER)]
    return middle, slow


def waited(stage: Stage, jobs: int) -> list[float]:
    """Milliseconds from commit to handler of each job, sorted."""
    with stage.workers(1) as workers:
        time.sleep(3)  # by now it has started, found nothing, and sleeps
        committed = stage.call("paced", jobs, GAP)["committed"]
        stage.wait_for(jobs + 1, workers, seconds=30)
        began = {call.number: call.at for call in stage.ran()}
    return sorted((began[number] - at) / 1e6 for number, at in enumerate(committed))


def at(waits: list[float], share: float) -> float:
    """The wait that so large a share of all does not exceed."""
    return waits[min(len(waits) - 1, int(share * len(waits)))]
