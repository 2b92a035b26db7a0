"""
The flow around one job: the jobs that it waits for and those that wait for it, some steps both ways.

A flow may have thousands of members. So this follows only a few neighbours of each job and a few steps, and shows
only as many jobs as fit into a drawing. The page says if something was left out.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from proletarian.filters import JobFilter
from proletarian.looking.records import JobRecord
from proletarian.looking.seeing import as_stored, see_jobs
from proletarian.sql.flows.looking import neighbours
from proletarian.sql.statements import Plan
from proletarian.web.desk import Desk

MOST_JOBS = 30  # in a drawing, with the job itself
MOST_NEXT = 8  # neighbours of one job, on each side
MOST_STEPS = 3  # from the job, each way
SIDES = {"after": -1, "before": 1}  # what a job waits for is drawn to its left, what waits for it to its right


@dataclass(frozen=True)
class Member:
    """A job of a flow, and its distance from the job on the page: -2 is two steps before it."""

    job_id: Any
    distance: int
    record: JobRecord | None = None  # None: it no longer exists


@dataclass
class Flow:
    """Some members of a flow, by their ids, and which waits for which: (awaited, waiting)."""

    members: dict[Any, Member] = field(default_factory=dict)
    edges: set[tuple[Any, Any]] = field(default_factory=set)
    is_whole: bool = True  # nothing was left out

    def record(self, job_id: Any) -> JobRecord | None:
        """What is known of a member."""
        member = self.members.get(job_id)
        return None if member is None else member.record


def flow_of(desk: Desk, job: JobRecord) -> Plan[Flow | None]:
    """The flow around a job; None for one that is in none."""
    if not job.after and not job.before:
        return None
    found = Flow({job.job_id: Member(job.job_id, 0, job)})
    for side in SIDES:
        yield from _walk(desk, found, job.job_id, side)
    found.edges = {(one, other) for one, other in found.edges if one in found.members and other in found.members}
    others = [one for one in found.members if one != job.job_id]
    page = yield from see_jobs(
        desk.queue, desk.kind, JobFilter(job_id=others), limit=MOST_JOBS, after=None, mask=True, why=False
    )
    for record in page:
        found.members[record.job_id] = replace(found.members[record.job_id], record=record)
    return found


def _walk(desk: Desk, found: Flow, start: Any, side: str) -> Plan[None]:
    """Follow the flow from a job, step by step, on one side."""
    front, distance = [start], 0
    while front:
        distance += SIDES[side]
        reached: list[Any] = []
        for here in front:
            around = yield from _neighbours(desk, here)
            found.edges |= {(other, here) for other in around["after"]} | {(here, other) for other in around["before"]}
            found.is_whole = found.is_whole and len(around[side]) <= MOST_NEXT
            for other in around[side][:MOST_NEXT]:
                if other in found.members:
                    continue
                if abs(distance) > MOST_STEPS or len(found.members) >= MOST_JOBS:
                    found.is_whole = False
                    continue
                found.members[other] = Member(other, distance)
                reached.append(other)
        front = reached


def _neighbours(desk: Desk, job_id: Any) -> Plan[dict[str, list[Any]]]:
    """The neighbours of a job, by the side; one more than are followed, if there are more."""
    stored = as_stored(desk.queue, desk.dialect, job_id)
    around: dict[str, list[Any]] = {side: [] for side in SIDES}
    for side, other, _ in (yield from neighbours(desk.dialect, stored, MOST_NEXT + 1)):
        around[side].append(desk.queue.job_ids.decode(desk.dialect.loaded_id(other)))
    return around
