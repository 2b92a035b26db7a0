"""How workers share jobs: long jobs, two workers, a backlog, and a third worker that joins."""

from __future__ import annotations

import time
from collections import deque

from benchmarks.contestants import OURS_PG, Contestant
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import PGQUEUER
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SLOTS, SECONDS = 10, 1.0
LOOKS = 5  # per tenth of a second
OURS = OURS_PG.having("sharing", "**Proletarian**, 10 threads", task="nap", seconds=SECONDS)
OURS_ASYNC = OURS.having("sharing-async", "Proletarian, 10 coroutines", task="anap")
THEIRS = PGQUEUER.having("sharing-pgqueuer", PGQUEUER.label, seconds=SECONDS)

# The most jobs that any worker holds.
HELD = {
    OURS.program: "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM proletarian.running_job"
    " GROUP BY worker_id) AS held",
    THEIRS.program: "SELECT coalesce(max(n), 0) FROM (SELECT count(*) AS n FROM pgqueuer"
    " WHERE status = 'picked' GROUP BY queue_manager_id) AS held",
}


def measure(run: Run) -> list[Found]:
    """Jobs of one second each, enough to keep both workers full when the third one joins."""
    jobs = run.size(400, 200)
    what = f"{jobs} jobs of 1 s, two workers of {SLOTS} slots, a third joins after 4 s"
    held = Table(
        "sharing-held",
        f"{what}: most jobs held by one worker",
        "jobs",
        ours=OURS.label,
        more_is_better=False,
        goals=[Goal(None, SLOTS + 5, at_most=True)],
    )
    first = Table(
        "sharing-first",
        f"{what}: from the third worker's start to its first job",
        "s",
        ours=OURS.label,
        more_is_better=False,
        digits=2,
        plotted=False,
    )
    share = Table(
        "sharing-full",
        f"{what}: from its first job until it has started {SLOTS}",
        "s",
        ours=OURS.label,
        more_is_better=False,
        digits=3,
        plotted=False,
    )

    def one(stage: Stage) -> None:
        most, began, third = watched(stage, jobs)
        held.add(stage.contestant.label, most)
        if len(third) >= SLOTS:
            first.add(stage.contestant.label, third[0] - began)
            share.add(stage.contestant.label, third[SLOTS - 1] - third[0])

    with store("postgresql", run.folder) as postgresql:
        run.in_turn((OURS, OURS_ASYNC, THEIRS), postgresql, one, "sharing")
    for contestant in (OURS, OURS_ASYNC, THEIRS):
        if contestant.label not in first.figures and contestant.label in held.figures:
            first.notes.append(f"{contestant.label}: nothing was left for the third worker.")
    return [held, first, share]


def watched(stage: Stage, jobs: int) -> tuple[int, float, list[float]]:
    """The most jobs that one worker held; when the third was started, and when it began its jobs (seconds)."""
    stage.call("bulk", jobs, 1000)
    with stage.workers(2) as workers:
        stage.wait_for(1, workers)
        most = look(stage, stage.contestant, 4)
        before = {call.process for call in stage.ran()}
        began = time.monotonic()
        with stage.workers(1):
            most = max(most, look(stage, stage.contestant, 4))
            third = sorted(call.at / 1e9 for call in stage.ran() if call.process not in before)
    return most, began, third


def look(stage: Stage, contestant: Contestant, seconds: float) -> int:
    """
    The most jobs that one worker holds for a tenth of a second or longer within these seconds.

    For a moment it holds more: jobs that have just ended wait for their acknowledgement
    while the jobs that replace them have been claimed already.
    """
    end, last, most = time.monotonic() + seconds, deque[int](maxlen=LOOKS), 0
    while time.monotonic() < end:
        last.append(stage.ask(HELD[contestant.program]))
        if len(last) == LOOKS:
            most = max(most, min(last))
        time.sleep(0.1 / LOOKS)
    return most
