"""Lanes as people look at them: what waits in each, what runs, and until when no more of it starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from proletarian.limit import name_of
from proletarian.looking.records import Count
from proletarian.sql import looking, waiting
from proletarian.sql.dialect import Dialect
from proletarian.sql.limiting import LimitRecord
from proletarian.sql.present import present
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan, Statement

MOST_COUNTED = 1_000  # jobs of a lane
RUNNING = None  # in place of a queue: the lanes that have running jobs

Heads = dict[str | None, str | None]  # the next lane of each queue


class LaneRecord(NamedTuple):
    """
    One lane: how many of its jobs wait, in which queues, and how many run.

    `blocked_for` is the number of seconds for which nothing more starts, because of its rate, or because the first job
    of an ordered lane will only be retried then: `blocked_by` is that job.
    """

    lane: str
    waiting: Count
    queues: Sequence[str]
    running: Count
    blocked_for: float = 0.0
    blocked_by: Any = None

    @property
    def limit(self) -> str:
        """The name of the limit that it is under."""
        return name_of(self.lane)


def lane_states(
    dialect: Dialect,
    now: datetime | None,
    limits: Mapping[str, LimitRecord],
    *,
    name: str | None = None,
    after: str = "",
    most: int,
) -> Plan[list[LaneRecord]]:
    """
    The lanes with jobs that wait or run, by name: up to `most`, after `after`.

    `name` selects the lanes of one limit. `limits` are those in force, by name.
    """
    queues = sorted((yield from present(dialect, (yield from looking.queues(dialect)))))
    found: list[LaneRecord] = []
    if name is not None and after < name:  # the limit's own lane; all of its other lanes have a colon after the name
        own = yield from _state(dialect, now, limits, name, queues)
        if own.waiting or own.running:
            found.append(own)
    first = after if name is None else max(after, f"{name}:")
    heads: Heads = {}
    for queue in [*queues, RUNNING]:
        heads[queue] = yield from _next(dialect, queue, first)
    while len(found) < most:
        lanes = [lane for lane in heads.values() if lane is not None and (name is None or name_of(lane) == name)]
        if not lanes:
            break
        lane = min(lanes)
        there = [queue for queue, head in heads.items() if head == lane]
        where = [queue for queue in queues if heads[queue] == lane]
        found.append((yield from _state(dialect, now, limits, lane, where)))
        for queue in there:
            heads[queue] = yield from _next(dialect, queue, lane)
    return found


def _next(dialect: Dialect, queue: str | None, after: str) -> Plan[str | None]:
    if queue is RUNNING:
        [[lane]] = yield _say(dialect, "lane_states.next_running", after=after)
    else:
        [[lane]] = yield _say(dialect, "lane_states.next", queue=queue, after=after)
    return None if lane is None else str(as_text(lane))


def _state(
    dialect: Dialect, now: datetime | None, limits: Mapping[str, LimitRecord], lane: str, queues: Sequence[str]
) -> Plan[LaneRecord]:
    limit = limits.get(name_of(lane))
    [[running]] = yield _say(dialect, "lane_states.running", lane=lane, most=MOST_COUNTED)
    jobs, where, blocked, by = 0, [], 0.0, None
    for queue in queues:
        [[count]] = yield _say(dialect, "lane_states.waiting", queue=queue, lane=lane, most=MOST_COUNTED)
        jobs += count
        if count:
            where.append(queue)
        if limit is not None and limit.ordered and (head := (yield from waiting.head(dialect, queue, lane, now))):
            job_id, tried_in = head
            if (tried_in or 0) > blocked:
                blocked, by = float(tried_in), dialect.loaded_id(job_id)
    if limit is not None and limit.rate is not None:
        waits = yield from waiting.rate_waits(dialect, lane, now)
        blocked, by = (waits, None) if waits > blocked else (blocked, by)
    return LaneRecord(lane, _count(jobs), tuple(where), _count(running), blocked, by)


def _count(number: int) -> Count:
    return Count(min(number, MOST_COUNTED), is_exact=number < MOST_COUNTED)


def _say(dialect: Dialect, name: str, **given: Any) -> Statement:
    return Statement(dialect.sql[name], dialect.stored_new(given))
