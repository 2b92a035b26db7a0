"""
Claim jobs that are under a limit, from lanes that seem to have room: the claim counts, and no other comes between.

The rules of the lanes are the worker's own, and are said with each claim.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from proletarian.limit import Rule, name_of
from proletarian.sql.claiming import UNIQUE_KEY, with_heavy
from proletarian.sql.dialect import Dialect
from proletarian.sql.keys import Mark, at_start
from proletarian.sql.lanes.looking import Look, Rules, look
from proletarian.sql.rows import Claimed, dump
from proletarian.sql.several import SEVERAL, each
from proletarian.sql.statements import Plan, Row
from proletarian.sql.transactions import begin, commit
from proletarian.sql.uniqueness import as_stored

LANE = Claimed.__struct_fields__.index("lane")


@dataclass
class Taken:
    """What a claim from some lanes returned."""

    rows: list[Claimed] = field(default_factory=list)
    waits: dict[str, float] = field(default_factory=dict)
    tried: set[str] = field(default_factory=set)  # the other lanes were another worker's at this moment


def claim(
    dialect: Dialect,
    worker_id: Any,
    queue: str,
    shares: Mapping[str, int],
    rules: Rules,
    first_run: int,
    now: datetime | None,
    missed: list[Mark] | None = None,
) -> Plan[Taken]:
    """
    Claim due jobs from these lanes of a queue, up to each lane's share and as its rule allows, in order.

    Otherwise like `claiming.claim`.
    """
    shares = {lane: share for lane, share in shares.items() if name_of(lane) in rules}
    if not shares:
        return Taken()
    if dialect.moves_rows:
        taken = yield from _at_once(dialect, worker_id, queue, shares, rules, first_run, now)
    else:
        taken = yield from _step_by_step(dialect, worker_id, queue, shares, rules, first_run, now, missed)
    if any(row.payload is None for row in taken.rows):
        taken.rows = yield from with_heavy(dialect, worker_id, taken.rows, now)
    return taken


def _at_once(
    dialect: Dialect,
    worker_id: Any,
    queue: str,
    shares: Mapping[str, int],
    rules: Rules,
    first_run: int,
    now: datetime | None,
) -> Plan[Taken]:
    """Claim in one statement."""
    used = {name: rules[name] for name in {name_of(lane) for lane in shares}}
    mosts, everys, bursts, ordereds = (list(column) for column in zip(*used.values(), strict=True))
    rows = yield dialect.say(
        "lanes.claim", queue=queue, worker_id=worker_id, run_id=first_run, now=now, lanes=list(shares),
        shares=list(shares.values()), names=list(used), mosts=mosts, everys=everys, bursts=bursts, ordereds=ordereds,
    )  # fmt: skip
    taken = Taken()
    for lane, wait, *row in rows:
        taken.tried.add(lane)
        if row[0] is not None:
            taken.rows.append(Claimed(*row))
        elif wait:
            taken.waits[lane] = float(wait)
    taken.rows.sort(key=lambda run: run.run_id)  # RETURNING keeps no order
    return taken


@dataclass
class _Lane:
    """One lane during a claim."""

    lane: str
    rule: Rule
    left: int
    priority: int | None
    next_at: float
    t: float
    rows: list[Row] = field(default_factory=list)


def _step_by_step(
    dialect: Dialect,
    worker_id: Any,
    queue: str,
    shares: Mapping[str, int],
    rules: Rules,
    first_run: int,
    now: datetime | None,
    missed: list[Mark] | None,
) -> Plan[Taken]:
    """Lock the lanes, count, pick from one priority after another, move."""
    moment = dialect.stored_time(now)
    taken = Taken()
    lanes = sorted(shares)
    yield from begin(dialect)
    if dialect.locks_lanes:
        locked = yield dialect.say("lanes.lock", lanes=dump([(lane,) for lane in lanes]))
        lanes = [lanes[place - 1] for place in sorted(int(row[0]) for row in locked)]
    taken.tried = set(lanes)
    where = {"queue": queue, "now": moment}
    states = yield from each(dialect, "lanes.state", where, [{"lane": lane} for lane in lanes])
    open_: list[_Lane] = []
    for place, running, next_at, t, priority in sorted(states, key=itemgetter(0)):
        lane = lanes[int(place)]
        rule = rules[name_of(lane)]
        at, clock = float(next_at or 0.0), float(t)
        left = min(rule.room(int(running), shares[lane]), rule.starts(at, clock))
        if left and priority is not None:
            open_.append(_Lane(lane, rule, left, int(priority), at, clock))
        elif rule.every is not None and at > clock:
            taken.waits[lane] = at - clock
    of_lanes = list(open_)
    while open_:
        yield from _pick_level(dialect, worker_id, where, open_, taken, missed)
        open_ = [one for one in open_ if one.left]
        if open_:
            asked = [{"lane": one.lane, "priority": one.priority} for one in open_]
            for place, priority in (yield from each(dialect, "lanes.below", where, asked)):
                open_[int(place)].priority = priority
        open_ = [one for one in open_ if one.priority is not None]
    gave = [one for one in of_lanes if one.rows]
    for one in gave:
        start = first_run + len(taken.rows) + 1
        taken.rows += [Claimed(*[*row, start + n]) for n, row in enumerate(one.rows)]
    if gave:
        picked = dump([(dialect.json_id(run.job_id), run.run_id) for run in taken.rows])
        yield dialect.say("claiming.take", picked=picked, worker_id=worker_id)
        yield dialect.say("claiming.remove", picked=picked)
        nexts = [(one.lane, one.rule.next_at(one.next_at, one.t, len(one.rows))) for one in gave]
        yield dialect.say("lanes.write", lanes=dump(nexts))
    yield from commit(dialect)
    return taken


def _pick_level(
    dialect: Dialect,
    worker_id: Any,
    where: Mapping[str, Any],
    lanes: Sequence[_Lane],
    taken: Taken,
    missed: list[Mark] | None,
) -> Plan[None]:
    """Pick what is still wanted from one priority of each of these lanes."""
    asked = [{"lane": one.lane, "priority": one.priority, "most": one.left} for one in lanes]
    rows = yield from each(dialect, "lanes.pick", {**where, "worker_id": worker_id}, asked)
    by_lane = {one.lane: one for one in lanes}
    left: set[Any] = set()
    if dialect.marks_keys and any(row[UNIQUE_KEY] for row in rows):
        marks = yield from at_start(dialect, [Claimed(*[*row, 0]) for row in rows])
        if missed is not None:
            missed.extend(marks)
        left = {mark.job_id for mark in marks}
    heads: dict[str, tuple[Any, float | None]] = {}
    ordered = [one for one in lanes if one.rule.is_ordered]
    if ordered:
        asked = [{"lane": one.lane, "priority": one.priority} for one in ordered]
        for place, job_id, wait in (yield from each(dialect, "lanes.head", where, asked)):
            heads[ordered[int(place)].lane] = as_stored(job_id), wait
    for row in rows:
        one = by_lane[row[LANE]]
        job_id = as_stored(row[0])
        if job_id not in left and (not one.rule.is_ordered or heads.get(one.lane, (None,))[0] == job_id):
            one.rows.append(row)
            one.left -= 1
    for one in ordered:
        if one.left and one.lane in heads:  # the first one cannot start now: neither can those behind it
            one.left = 0
            if (wait := heads[one.lane][1]) is not None and wait > 0:
                taken.waits[one.lane] = float(wait)


@dataclass
class One:
    """What a look for one job in the lanes of a queue returned."""

    rows: list[Claimed] = field(default_factory=list)
    passed_by: bool = False  # another worker had locked a lane with room at that moment, to claim from it or forget it


def claim_one(
    dialect: Dialect, worker_id: Any, queue: str, rules: Rules, first_run: int, now: datetime | None
) -> Plan[One]:
    """Claim one due job from the first lane of a queue that has room, if there is one."""
    seen, one = Look(), One()
    while True:
        seen = yield from look(dialect, queue, seen.cursor, rules, most=SEVERAL, hops=SEVERAL, now=now)
        for lane in seen.free:
            taken = yield from claim(dialect, worker_id, queue, {lane: 1}, rules, first_run, now)
            one.rows = taken.rows
            if taken.rows:
                return one
            one.passed_by |= lane not in taken.tried
        if not seen.cursor:
            return one
