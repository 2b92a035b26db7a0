"""
What a look at the overview does: which statements it runs, and what it makes of their answers.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from proletarian.errors import ConfigurationError, FilterError
from proletarian.filters import JobFilter
from proletarian.looking.records import Count, JobRecord
from proletarian.looking.seeing import as_filter, record_of, test_of, wanted_by
from proletarian.looking.surveys import (
    FailureGroup,
    Minute,
    QueueStats,
    WorkerRecord,
    grouped,
    names_in,
    seems_dead,
    served,
)
from proletarian.shared import Shared
from proletarian.sql import finding, looking
from proletarian.sql.dialect import Dialect
from proletarian.sql.pausing import Pause, pauses
from proletarian.sql.rows import Peer
from proletarian.sql.statements import Plan

LONGEST = 1_440  # minutes that a look at the throughput may cover
MINUTE = timedelta(minutes=1)
PAGE = 500  # failures read at a time
AT_ONCE = 50_000  # ended jobs, for all minutes together; if there are more, each minute is queried separately

Free = Callable[[Peer], Sequence[bool]]


def as_seen(peer: Peer) -> Sequence[bool]:
    """Which of the locks that prove that a worker is alive are free, as the statement saw them."""
    return peer.free


def queue_stats(shared: Shared, database: str, *, most: int, free: Free = as_seen) -> Plan[list[QueueStats]]:
    """Every queue that holds anything, is served, or is paused."""
    _require("most", most)
    dialect, now = shared.dialect(database), shared.now()
    time = yield from finding.time(dialect, now)
    waiting = {}
    for queue in (yield from looking.queues(dialect)):
        waiting[queue] = yield from looking.waiting_in(dialect, queue, most, now)
    running = yield from looking.running(dialect)
    failed = yield from looking.failed(dialect, most)
    paused: dict[str, Pause] = {pause.queue: pause for pause in (yield from pauses(dialect))}
    workers = [worker for worker in (yield from list_workers(shared, database, free=free)) if worker.is_alive]
    is_whole = sum(failed.values()) < most
    found = []
    for queue in sorted({*waiting, *running, *failed, *paused, *(name for one in workers for name in one.queues)}):
        there = waiting.get(queue, looking.Waiting())
        late = None if there.oldest_due is None else max(0.0, (time - there.oldest_due).total_seconds())
        serving = [worker for worker in workers if worker.serves(queue)]
        found.append(
            QueueStats(
                queue=queue, due=_count(there.due, most, there.is_whole),
                scheduled=_count(there.scheduled, most, there.is_whole), running=running.get(queue, 0),
                failed=Count(failed.get(queue, 0), is_exact=is_whole), oldest_due=there.oldest_due, late=late,
                workers=len(serving), slots=sum(worker.queues[queue] for worker in serving), pause=paused.get(queue),
            )
        )  # fmt: skip
    return found


def list_workers(shared: Shared, database: str, *, free: Free = as_seen) -> Plan[list[WorkerRecord]]:
    """Every worker that has a row."""
    dialect = shared.dialect(database)
    return [
        WorkerRecord(
            worker_id=_uuid(row.peer.worker_id), name=row.peer.host.rpartition("@")[0],
            host=row.peer.host.rpartition("@")[2], pid=row.peer.pid,
            queues=served(row.queues), job_types=names_in(row.job_types),
            is_alive=not seems_dead(row.peer, free(row.peer)), started_at=row.started_at,
            seen_at=row.seen_at, silent=max(0.0, row.peer.silent), running=row.running,
            oldest_run=row.oldest_run,
        )
        for row in (yield from looking.workers(dialect))
    ]  # fmt: skip


def throughput(
    shared: Shared, database: str, *, minutes: int, queue: str | Callable[[str], bool] | None, most: int
) -> Plan[list[Minute]]:
    """
    What ended in each of the last minutes, the oldest first; the last one is not over yet.

    `queue` is the name of one, or a function that says for each name whether it counts.
    """
    if not 1 <= minutes <= LONGEST:
        raise ConfigurationError(f"minutes is a number from 1 to {LONGEST}, not {minutes!r}")
    _require("most", most)
    dialect = shared.dialect(database)
    time = yield from finding.time(dialect, shared.now())
    last = time.replace(second=0, microsecond=0)
    first = last - (minutes - 1) * MINUTE
    counts = queue if callable(queue) else lambda name: queue in (None, name)
    found = []
    whole = yield from looking.by_minute(dialect, first, last + MINUTE, min(AT_ONCE, minutes * most))
    for number in range(minutes):
        at = first + number * MINUTE
        ended = None if whole is None else whole.get(number, Counter())
        if ended is None or ended.total() >= most:
            found.append((yield from one_minute(dialect, at, time, most, counts)))
        else:
            found.append(minute_of(at, ended, counts, min(at + MINUTE, time), is_exact=True))
    return found


def one_minute(
    dialect: Dialect, at: datetime, now: datetime, most: int, counts: Callable[[str], bool] = lambda name: True
) -> Plan[Minute]:
    """What ended in the minute from `at` on, in the queues that count; up to `most` jobs are read."""
    ended = yield from looking.finished(dialect, at, at + MINUTE, most)
    is_exact = ended.counts.total() < most
    until = min(at + MINUTE, now) if is_exact else ended.last_at
    return minute_of(at, ended.counts, counts, until, is_exact=is_exact)


def minute_of(
    at: datetime,
    ended: Counter[tuple[str, str]],
    counts: Callable[[str], bool],
    until: datetime,
    *,
    is_exact: bool,
) -> Minute:
    """
    Counts by queue and status as a minute, for the queues that count; `until` says how far they go.

    >>> noon = datetime(2026, 11, 28, 12)
    >>> ended = Counter({("mail", "success"): 1500, ("bulk", "failure"): 500})
    >>> minute_of(noon, ended, lambda name: True, noon + timedelta(seconds=10), is_exact=False).rate
    200.0
    """
    statuses: Counter[str] = Counter()
    queues: Counter[str] = Counter()
    for (name, status), count in ended.items():
        if counts(name):
            statuses[status] += count
            queues[name] += count

    def counted(number: int) -> Count:
        return Count(number, is_exact=is_exact)

    return Minute(
        at=at, succeeded=counted(statuses["success"]), failed=counted(statuses["failure"]),
        cancelled=counted(statuses["cancelled"]), queues={name: counted(queues[name]) for name in sorted(queues)},
        rate=queues.total() / max(0.001, (until - at).total_seconds()),
    )  # fmt: skip


def failure_groups(shared: Shared, database: str, which: JobFilter | str, *, most: int) -> Plan[list[FailureGroup]]:
    """Failed jobs by type and class of error, the largest group first."""
    _require("most", most)
    which = as_filter(which)
    if which.state is not None and "failed" not in which.state:
        raise FilterError(f"failures are of the state failed, not {', '.join(which.state)}")
    which = replace(which, state="failed")
    dialect = shared.dialect(database)
    wanted = yield from wanted_by(shared, dialect, which)
    test = test_of(shared, dialect, which)
    failures: list[JobRecord] = []
    below = None
    while len(failures) < most:
        size = min(PAGE, most - len(failures))
        found = yield from finding.page(wanted, size, below, shared.now(), test)
        failures += (replace(record_of(shared, dialect, row), payload=None) for row in found.rows)
        below = found.below
        if below is None or len(found.rows) < size:  # the end, or the look has read as much as it may
            break
    return grouped(failures, is_whole=below is None)


def _count(number: int, most: int, is_whole: bool) -> Count:
    return Count(number, is_exact=is_whole and number < most)


def _uuid(stored: Any) -> UUID:
    if isinstance(stored, UUID):
        return stored
    return UUID(stored) if isinstance(stored, str) else UUID(bytes=bytes(stored))


def _require(name: str, number: object) -> None:
    if not isinstance(number, int) or isinstance(number, bool) or number < 1:
        raise ConfigurationError(f"{name} is a number, 1 or more, not {number!r}")
