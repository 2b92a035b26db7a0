"""
Which job is to blame when a worker dies: what a death says about each run that the worker held.

Decisions only. If a worker dies with one run, that is evidence against this run. If it dies with several, it is
evidence against none of them: each becomes a suspect, and a suspect of two such deaths is run apart (`dock.py`), so the
next death either convicts or clears it. Only evidence of the first kind archives a job as failed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import NamedTuple

from proletarian.errors import WorkerLost
from proletarian.sql.rows import Buried, Orphan

SUSPECT = 2  # after this many shared deaths, a job is run apart
BESIDE, ALONE = 1, 2  # how a suspect's run was started, as its row says; 0: it was not
PATIENCE, GROWTH, MOST = 10.0, 6.0, 3600.0  # seconds


class Evidence(Enum):
    """What is known about one run that a dead worker held; its value is written to the row's errors."""

    ALONE = "while running it and no other job"
    SHARED = "while running it and other jobs"
    HELD = "while holding it; it is not known whether the job had begun"
    LEFT = "while holding it; nothing more is known"
    WAITING = "while holding it, before the job had begun"


class Verdict(NamedTuple):
    """The row's new counts, and whether they are enough to give the job up."""

    lost: int
    suspect: int
    is_guilty: bool


def evidence(orphans: Iterable[Orphan], dead: Buried | None) -> list[Evidence]:
    """
    What is known about the runs of one dead worker.

    `dead` is None if another worker has buried it, or if it left without them: then these may not be all of its runs. A
    worker takes more jobs than it has slots only if they are quick; which of them had started was not recorded.
    """
    orphans = list(orphans)
    held: Mapping[str, int] = Counter(orphan.run.queue for orphan in orphans)
    if dead is not None and dead.held is not None:
        held = dead.held
    return [_evidence(orphan, held, dead) for orphan in orphans]


def _evidence(orphan: Orphan, held: Mapping[str, int], dead: Buried | None) -> Evidence:
    if orphan.apart:
        return Evidence.ALONE if orphan.apart == ALONE else Evidence.SHARED
    if orphan.run.suspect >= SUSPECT:
        return Evidence.WAITING  # its start would have been noted
    if dead is None:
        return Evidence.LEFT
    if orphan.is_only and sum(held.values()) == 1:
        return Evidence.ALONE
    queue = orphan.run.queue
    return Evidence.SHARED if held.get(queue, 0) <= dead.slots.get(queue, 0) else Evidence.HELD


def judge(lost: int, suspect: int, limit: int, found: Evidence) -> Verdict:
    """
    What a death adds to a job's counts; `limit` is the `lost_limit` of its task.

    Shared deaths count as one in all, and never as the last one. Only a death alone convicts.

    >>> judge(0, 0, 3, Evidence.SHARED), judge(1, 1, 3, Evidence.SHARED)
    (Verdict(lost=1, suspect=1, is_guilty=False), Verdict(lost=1, suspect=2, is_guilty=False))
    >>> judge(1, 2, 3, Evidence.ALONE), judge(2, 3, 3, Evidence.ALONE)
    (Verdict(lost=2, suspect=3, is_guilty=False), Verdict(lost=3, suspect=4, is_guilty=True))
    >>> judge(0, 0, 1, Evidence.SHARED), judge(0, 2, 1, Evidence.ALONE)
    (Verdict(lost=0, suspect=2, is_guilty=False), Verdict(lost=1, suspect=3, is_guilty=True))
    >>> judge(0, 0, 3, Evidence.HELD), judge(1, 2, 3, Evidence.WAITING)
    (Verdict(lost=0, suspect=2, is_guilty=False), Verdict(lost=1, suspect=2, is_guilty=False))
    >>> judge(0, 0, 3, Evidence.LEFT)
    Verdict(lost=0, suspect=1, is_guilty=False)
    """
    if found is Evidence.WAITING:
        return Verdict(lost, suspect, is_guilty=False)
    if found is Evidence.ALONE:
        lost += 1
    elif found is Evidence.SHARED:
        lost = max(lost, min(1, limit - 1))
    suspect += 1
    if found is Evidence.HELD or lost >= limit - 1:
        # Jobs that are held before they start are quick, so running them apart costs little. And if the next death
        # would convict the job, it must be conclusive.
        suspect = max(suspect, SUSPECT)
    return Verdict(lost, suspect, is_guilty=found is Evidence.ALONE and lost >= limit)


def wording(verdict: Verdict, found: Evidence, worker: str) -> WorkerLost:
    """
    The error to keep in the row.

    >>> print(wording(Verdict(1, 1, False), Evidence.SHARED, "vm:7"))
    its worker vm:7 died while running it and other jobs
    """
    if not verdict.is_guilty:
        return WorkerLost(f"its worker {worker} died {found.value}")
    return WorkerLost(
        f"workers died {verdict.lost} times while running this job, the last one being {worker}, which held no "
        f"other job; it is not tried again, because it is what kills them"
    )


def patience(suspect: int) -> float:
    """
    For how many seconds a suspect runs alone before its worker takes other jobs.

    Its worker waits just as long for its other jobs to end. Each shared death makes it longer, so a job that kills its
    worker after an hour ends up alone, and one that only takes an hour does not block a worker at first.

    >>> [patience(suspect) for suspect in range(2, 7)]
    [10.0, 60.0, 360.0, 2160.0, 3600.0]
    """
    return float(min(MOST, PATIENCE * GROWTH ** (min(suspect, 20) - SUSPECT)))
