"""
The overview, as values: what each queue holds, who works, what ended when, what keeps failing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from proletarian.filters import JobFilter
from proletarian.looking.records import Count, JobRecord, failed_at, last_error
from proletarian.sql.pausing import Pause
from proletarian.sql.rows import Peer, slots_in


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStats:
    """
    What one queue holds, which workers serve it, and whether it is paused, when it was looked up.

    `due` and `scheduled` count the jobs in these states (`state:waiting` and `state:scheduled` in a filter), `waiting`
    counts both. `failed` counts those in the archive. `oldest_due` is when the oldest due job became due, `late` the
    seconds since then; None if none is due. `workers` is how many live workers serve it, with how many `slots` in all.
    `pause` says who paused it, why and since when.
    """

    queue: str
    due: Count
    scheduled: Count
    running: int
    failed: Count
    oldest_due: datetime | None
    late: float | None
    workers: int
    slots: int
    pause: Pause | None

    @property
    def waiting(self) -> Count:
        """How many jobs are waiting, whether due or not."""
        return added([self.due, self.scheduled])


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerRecord:
    """
    One worker: which it is, what it serves, and what it was doing when it was looked up.

    `worker` is its host and process id, after its `name` if it has one, as `JobRecord.worker` has them. `queues` are
    its slots by queue, `job_types` the types that it has handlers for (None: it cannot list them). `silent` is the
    seconds since its last heartbeat, `running` how many jobs it is running, `oldest_run` when the oldest of them
    started.
    """

    worker_id: UUID
    name: str
    host: str
    pid: int
    queues: Mapping[str, int]
    job_types: Sequence[str] | None
    is_alive: bool
    started_at: datetime
    seen_at: datetime
    silent: float
    running: int
    oldest_run: datetime | None

    @property
    def worker(self) -> str:
        """Its name for people: `host:pid`, or `name@host:pid`."""
        return f"{self.name}@{self.host}:{self.pid}" if self.name else f"{self.host}:{self.pid}"

    def serves(self, queue: str) -> bool:
        """Whether it takes jobs of this queue."""
        return queue in self.queues


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """
    The jobs that ended within one minute, from `at` on: succeeded, failed for good, or were cancelled.

    `queues` is how many ended per queue. `rate` is how many ended per second; if the counts are not exact, it is that
    of the part of the minute in which jobs were counted.
    """

    at: datetime
    succeeded: Count
    failed: Count
    cancelled: Count
    queues: Mapping[str, Count] = field(default_factory=dict)
    rate: float = 0.0

    @property
    def ended(self) -> Count:
        """All of them."""
        return added([self.succeeded, self.failed, self.cancelled])


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureGroup:
    """
    Failed jobs of one type that failed with the same class of error, at the same line of code.

    `where` is that line: file, line and function of the application's own code, as far as the traceback shows it.
    `message` and `job_id` are those of the latest; `first_at` and `last_at` are when they failed for good, `ended` when
    each of them did.
    """

    job_type: str
    error: str
    count: Count
    first_at: datetime
    last_at: datetime
    queues: Sequence[str]
    message: str
    where: str | None
    job_id: Any
    ended: Sequence[datetime] = ()

    @property
    def filter(self) -> JobFilter:
        """The filter that selects these jobs, for example for `retry(connection, group.filter)`."""
        return JobFilter(job_type=self.job_type, state="failed", error=self.error or None, where=self.where)


def added(counts: Iterable[Count]) -> Count:
    """
    The sum of several counts; exact if all of them are.

    >>> print(added([Count(2), Count(10, is_exact=False)]))
    12+
    """
    several = list(counts)
    return Count(sum(several), is_exact=all(count.is_exact for count in several))


def grouped(failures: Iterable[JobRecord], *, is_whole: bool) -> list[FailureGroup]:
    """
    Failed jobs by type, class of error and line of code, the largest group first.

    `is_whole` says that there are no others.
    """
    groups: dict[tuple[str, str, str], list[JobRecord]] = {}
    for job in failures:
        kind = str(last_error(job).get("type") or "")
        groups.setdefault((job.job_type, kind, failed_at(job) or ""), []).append(job)
    found = [_group(*kind, jobs, is_whole=is_whole) for kind, jobs in groups.items()]
    return sorted(found, key=lambda group: (-group.count, group.job_type, group.error, group.where or ""))


def _group(job_type: str, kind: str, where: str, jobs: Sequence[JobRecord], *, is_whole: bool) -> FailureGroup:
    ends = [job.finished_at for job in jobs if job.finished_at is not None]
    latest = max(jobs, key=lambda job: job.finished_at or min(ends))
    return FailureGroup(
        job_type=job_type, error=kind, count=Count(len(jobs), is_exact=is_whole), first_at=min(ends),
        last_at=max(ends), queues=sorted({job.queue for job in jobs}),
        message=str(last_error(latest).get("message") or ""), where=where or None, job_id=latest.job_id,
        ended=sorted(ends),
    )  # fmt: skip


def served(text: str) -> dict[str, int]:
    """
    The slots of a worker by queue, as in its row; one that runs a single job names only a queue.

    >>> served("default=10 mail to=2"), served("mail"), served("")
    ({'default': 10, 'mail to': 2}, {'mail': 1}, {})
    """
    return slots_in(text) or ({text: 1} if text else {})


def names_in(text: str | None) -> tuple[str, ...] | None:
    """The names in a JSON list; None if it is not one."""
    try:
        known = json.loads(text) if text else None
    except ValueError:
        return None
    return tuple(map(str, known)) if isinstance(known, list) else None


def seems_dead(peer: Peer, free: Sequence[bool]) -> bool:
    """
    Whether a worker looks dead from one look, without watching it: all of its locks are free, or its heartbeat is late.

    >>> ann = Peer("ann", "host", 1, seen_at=0, silent=70.0, lost_after=60.0, locks=(1, 2), free=(False, False))
    >>> seems_dead(ann, [True, True]), seems_dead(ann, [True, False]), seems_dead(ann, [False, False])
    (True, True, False)
    """
    if free and all(free):
        return True
    return peer.silent >= peer.lost_after and (not free or any(free))
