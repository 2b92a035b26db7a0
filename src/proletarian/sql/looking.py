"""An overview for people: what waits, runs and has failed, what ended when, and which workers there are."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from proletarian.sql.claiming import ABOVE
from proletarian.sql.dialect import Dialect
from proletarian.sql.living import peer
from proletarian.sql.rows import Peer, as_text
from proletarian.sql.statements import Plan, Statement

MOST_LEVELS = 100  # priorities of a queue that are read, highest first
MOST_WORKERS = 1_000


@dataclass
class Waiting:
    """What waits in a queue: how many jobs are due, how many are not, and since when the oldest has been due."""

    due: int = 0
    scheduled: int = 0
    oldest_due: datetime | None = None
    is_whole: bool = True  # all of its priorities were read


class Row(NamedTuple):
    """One worker, as its row and its runs show it."""

    peer: Peer
    queues: str
    job_types: str | None  # JSON
    started_at: datetime
    seen_at: datetime
    running: int
    oldest_run: datetime | None


class Ended(NamedTuple):
    """How many jobs ended, by queue and status, and when the last of those counted did."""

    counts: Counter[tuple[str, str]]
    last_at: datetime


def queues(dialect: Dialect) -> Plan[list[str]]:
    """The queues that have waiting jobs."""
    rows = yield dialect.say("looking.queues")
    return [as_text(row[0]) for row in rows]


def waiting_in(dialect: Dialect, queue: str, most: int, now: datetime | None) -> Plan[Waiting]:
    """What waits in a queue, in its priorities and in its lanes; each count stops at `most`."""
    found, below = Waiting(), ABOVE
    shared = {"queue": queue, "most": most, "now": dialect.stored_time(now)}
    for _ in range(MOST_LEVELS):
        [[priority]] = yield _say(dialect, "level", queue=queue, below=below)
        if priority is None:
            break
        [row] = yield _say(dialect, "waiting_in", **shared, priority=priority)
        _add(dialect, found, row)
        below = priority
    else:
        found.is_whole = False
    [row] = yield _say(dialect, "in_lanes", **shared)
    found.is_whole &= _add(dialect, found, row) < most
    return found


def _add(dialect: Dialect, found: Waiting, row: Any) -> int:
    """Add what one statement counted; returns how many that is."""
    due, scheduled, oldest = row
    found.due += due
    found.scheduled += scheduled
    if oldest is not None:
        since = dialect.loaded_time(oldest)
        found.oldest_due = min(found.oldest_due or since, since)
    return int(due + scheduled)


def running(dialect: Dialect) -> Plan[dict[str, int]]:
    """How many jobs of each queue are running."""
    rows = yield dialect.say("looking.running")
    return {as_text(queue): int(count) for queue, count in rows}


def failed(dialect: Dialect, most: int) -> Plan[dict[str, int]]:
    """How many of the latest `most` failures belong to each queue."""
    rows = yield dialect.say("looking.failed", most=most)
    return {as_text(queue): int(count) for queue, count in rows}


def workers(dialect: Dialect) -> Plan[list[Row]]:
    """Every worker that has a row, up to `MOST_WORKERS`, oldest first."""
    rows = yield dialect.say("looking.workers", most=MOST_WORKERS)
    found = []
    for worker_id, host, pid, served, job_types, started, seen, silent, lost_after, *more in rows:
        *witnesses, count, oldest = map(as_text, more)
        loaded_seen = dialect.loaded_time(seen)
        # Only workers that may bury it need to know its process.
        who = peer(dialect.loaded_worker(worker_id), as_text(host), pid, seen, silent, lost_after, None, *witnesses)
        oldest_run = None if oldest is None else dialect.loaded_time(oldest)
        since = dialect.loaded_time(started)
        found.append(Row(who, as_text(served), as_text(job_types), since, loaded_seen, int(count), oldest_run))
    return found


def finished(dialect: Dialect, begins: datetime, ends: datetime, most: int) -> Plan[Ended]:
    """How many jobs ended between two moments, by queue and status; counting stops at `most`."""
    given = {"begins": dialect.stored_time(begins), "ends": dialect.stored_time(ends), "most": most}
    rows = list((yield dialect.say("looking.finished", **given)))
    counts = Counter({(as_text(queue), as_text(status)): int(count) for queue, status, count, _ in rows})
    return Ended(counts, max((dialect.loaded_time(row[3]) for row in rows), default=begins))


def by_minute(
    dialect: Dialect, begins: datetime, ends: datetime, most: int
) -> Plan[dict[int, Counter[tuple[str, str]]] | None]:
    """How many jobs ended in each minute after `begins`, by queue and status; None if there are `most` or more."""
    given = {"begins": dialect.stored_time(begins), "ends": dialect.stored_time(ends), "most": most}
    rows = yield dialect.say("looking.by_minute", **given)
    found: dict[int, Counter[tuple[str, str]]] = {}
    for minute, queue, status, count in rows:
        found.setdefault(int(minute), Counter())[as_text(queue), as_text(status)] = int(count)
    return found if sum(counts.total() for counts in found.values()) < most else None


def _say(dialect: Dialect, name: str, **given: Any) -> Statement:
    return Statement(dialect.sql[f"looking.{name}"], dialect.stored_new(given))
