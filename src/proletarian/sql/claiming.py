"""Claim due jobs for one worker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import starmap
from operator import attrgetter
from typing import Any, cast

from msgspec.structs import replace

from proletarian.outcomes import Outcome
from proletarian.sql.dialect import Dialect
from proletarian.sql.keys import Mark, at_start
from proletarian.sql.rows import Claimed, Ended, Level, Marks, dump
from proletarian.sql.settling import settle
from proletarian.sql.statements import Plan, Row, Statement, Text
from proletarian.sql.uniqueness import as_stored

MOST = 32_000_000  # bytes of heavy payloads in one claim; the others, 1,000 at most, can add as much again
BEGINNING = "1000-01-01 00:00:00.000000"  # before every process_at
ABOVE = 32768  # above every priority
PAYLOAD = attrgetter("payload")
UNIQUE_KEY = Claimed.__struct_fields__.index("unique_key")


def claim(
    dialect: Dialect,
    worker_id: Any,
    wants: Mapping[str, int],
    first_run: int,
    now: datetime | None,
    marks: Marks | None,
    missed: list[Mark] | None = None,
) -> Plan[list[Claimed]]:
    """
    Claim due jobs: up to so many from each queue, with run ids above `first_run`, in order.

    With `marks`, only from these levels, and only from these times on. Payloads are returned as long as they fit into
    `MOST` bytes, but at least one is. A job that did not fit is put back, and its payload is None. The unique keys of
    jobs that were left because somebody has the keys locked are added to `missed`.
    """
    if dialect.moves_rows:
        rows = yield from _at_once(dialect, worker_id, wants, first_run, now, marks)
    else:
        rows = yield from _step_by_step(dialect, worker_id, wants, first_run, now, marks, missed)
    if None in map(PAYLOAD, rows):
        return (yield from with_heavy(dialect, worker_id, rows, now))
    return rows


def with_heavy(dialect: Dialect, worker_id: Any, rows: list[Claimed], now: datetime | None) -> Plan[list[Claimed]]:
    """
    Load the payloads that were too large to be returned with the claim, as far as they fit; put the other jobs back.

    This costs ordinary jobs nothing, and heavy ones two statements per claim.
    """
    claimed = {"worker_id": worker_id, "first": rows[0].run_id, "last": rows[-1].run_id}
    weight, first, last = 0, rows[0].run_id, None
    for run_id, size in list((yield dialect.say("claiming.sizes", **claimed))):
        if last is not None and weight + size > MOST:
            break
        weight, last = weight + size, run_id
    loaded: dict[int, str] = {}
    if last is not None:
        which = {"worker_id": worker_id, "first": first, "last": last}
        loaded = dict(cast(Any, (yield dialect.say("claiming.payloads", **which))))
    whole = [row if row.payload is not None else replace(row, payload=loaded.get(row.run_id)) for row in rows]
    surplus = [
        Ended(row.run_id, Outcome("job.released", attempts=row.attempts, lost=row.lost))
        for row in whole
        if row.payload is None
    ]
    if surplus:
        yield from settle(dialect, worker_id, "", surplus, now)
    return whole


def mine(dialect: Dialect, worker_id: Any) -> Plan[list[Claimed]]:
    """This worker's runs, as the database has them; heavy ones without their payloads."""
    rows = yield dialect.say("claiming.mine", worker_id=worker_id)
    return [Claimed(*row) for row in rows]


def _at_once(
    dialect: Dialect,
    worker_id: Any,
    wants: Mapping[str, int],
    first_run: int,
    now: datetime | None,
    marks: Marks | None,
) -> Plan[list[Claimed]]:
    """Claim from all queues in one statement."""
    common: dict[str, Any] = {"worker_id": worker_id, "run_id": first_run, "now": now}
    several: dict[str, Any] = {"queues": list(wants), "wants": list(wants.values())}
    if marks is None:
        rows = yield dialect.say("claiming.claim", **common, **several)
    elif len(marks) == len(wants) == 1:
        [((queue, priority), mark)] = marks.items()
        one = {"queue": queue, "priority": priority, "mark": mark, "want": wants[queue]}
        rows = yield dialect.say("claiming.claim_next", **common, **one)
    else:
        levels = {
            "level_queues": [queue for queue, _ in marks],
            "level_priorities": [priority for _, priority in marks],
            "level_marks": list(marks.values()),
        }
        rows = yield dialect.say("claiming.claim_onward", **common, **several, **levels)
    return sorted(starmap(Claimed, rows), key=attrgetter("run_id"))  # RETURNING does not keep an order


def _step_by_step(
    dialect: Dialect,
    worker_id: Any,
    wants: Mapping[str, int],
    first_run: int,
    now: datetime | None,
    marks: Marks | None,
    missed: list[Mark] | None,
) -> Plan[list[Claimed]]:
    """Find the levels that have due jobs, then pick what is still wanted from each."""
    moment = dialect.stored_time(now)
    levels: Sequence[Level] = list(marks) if marks is not None else (yield from _levels(dialect, list(wants), moment))
    if not levels:
        return []
    yield dialect.say("transactions.begin")
    left = dict(wants)
    claimed: list[Claimed] = []
    for queue, priority in sorted(levels, key=lambda level: -level[1]):
        if not left[queue]:
            continue
        mark = BEGINNING if marks is None else marks[queue, priority]
        where = {"queue": queue, "priority": priority, "mark": mark, "now": moment}
        rows = yield from _pick(dialect, worker_id, where, left[queue], missed)
        left[queue] -= len(rows)
        start = first_run + len(claimed) + 1
        claimed += [Claimed(*[*row, start + n]) for n, row in enumerate(rows)]
    if claimed:
        picked = dump([(dialect.json_id(run.job_id), run.run_id) for run in claimed])
        yield dialect.say("claiming.take", picked=picked, worker_id=worker_id)
        yield dialect.say("claiming.remove", picked=picked)
    yield dialect.say("transactions.commit")
    return claimed


def _pick(
    dialect: Dialect, worker_id: Any, where: Mapping[str, Any], most: int, missed: list[Mark] | None
) -> Plan[Sequence[Row]]:
    """
    Up to `most` due jobs of one level, except those whose unique key somebody has locked.

    Others are picked in their place, so they do not hold up the jobs behind them.
    """
    kept: set[Any] = set()
    while True:
        asked = most + len(kept)
        picked = yield dialect.say("claiming.pick", worker_id=worker_id, most=asked, **where)
        rows = [row for row in picked if as_stored(row[0]) not in kept]
        if not dialect.marks_keys or not any(row[UNIQUE_KEY] for row in rows):
            return rows
        left = yield from at_start(dialect, [Claimed(*[*row, 0]) for row in rows])
        if missed is not None:
            missed.extend(left)
        more = {mark.job_id for mark in left}
        kept |= more
        if not more or len(picked) < asked:
            return [row for row in rows if as_stored(row[0]) not in more]


def _levels(dialect: Dialect, queues: Sequence[str], now: Any) -> Plan[list[Level]]:
    """The priorities at which these queues have due jobs."""
    if dialect.probes_constants:
        return (yield from _levels_by_hops(dialect, queues, now))
    rows = yield dialect.say("claiming.levels", queues=dump(queues), now=now)
    return [(queue, priority) for queue, priority in rows]


def _levels_by_hops(dialect: Dialect, queues: Sequence[str], now: Any) -> Plan[list[Level]]:
    """The same, by hopping through all queues at once, one statement per hop."""
    levels: list[Level] = []
    below = dict.fromkeys(queues, ABOVE)
    while below:
        rows = yield _hop(dialect, below, now)
        levels += [(queue, below[queue]) for queue, _, is_due in rows if is_due]
        below = {queue: priority for queue, priority, _ in rows if priority is not None}
    return levels


def _hop(dialect: Dialect, below: Mapping[str, int], now: Any) -> Statement:
    source = dialect.sql["claiming.hop"].source
    hops: list[str] = []
    parameters: dict[str, Any] = {"now": now}
    for number, (queue, priority) in enumerate(below.items()):
        hops.append(source.replace(":queue", f":queue_{number}").replace(":below", f":below_{number}"))
        parameters |= {f"queue_{number}": queue, f"below_{number}": priority}
    return Statement(Text("\nUNION ALL\n".join(hops)), parameters)
