"""
Find the lanes of a queue that have room.

A lane is the text `name:key` in a job's row; its name leads to the rule, which the worker has. The result is only a
hint: the claim counts again, when no other claim can come between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from proletarian.limit import Rule, name_of
from proletarian.sql.dialect import Dialect
from proletarian.sql.rows import dump
from proletarian.sql.several import SEVERAL
from proletarian.sql.statements import Plan

Rules = Mapping[str, Rule]


@dataclass
class Look:
    """What a look saw of a queue's lanes."""

    free: list[str] = field(default_factory=list)  # a claim may bring something
    waits: dict[str, float] = field(default_factory=dict)  # seconds until others may: a rate, a retry, a due time
    unknown: set[str] = field(default_factory=set)  # names that have no rule here
    cursor: str = ""  # where to continue; empty: that was the end


def look(
    dialect: Dialect, queue: str, cursor: str, rules: Rules, *, most: int, hops: int, now: datetime | None
) -> Plan[Look]:
    """The lanes of a queue after `cursor`, until `most` have room or about `hops` were looked at."""
    if not dialect.moves_rows:
        return (yield from _look_by_windows(dialect, queue, cursor, rules, most, hops, now))
    said = {"names": list(rules), "mosts": [rule.most for rule in rules.values()]}
    found = Look(cursor=cursor)
    rows = yield dialect.say("lanes.look", queue=queue, cursor=cursor, most=most, hops=hops, now=now, **said)
    for lane, is_free, wait, is_known in rows:
        if lane is None:
            found.cursor = ""
            break
        _note(found, lane, is_free=is_free, wait=wait, is_known=is_known)
        found.cursor = lane if is_known else behind(lane)
    return found


def behind(lane: str) -> str:
    """
    Where to continue after all lanes of this one's name: `;` is the character after `:`.

    >>> behind("smtp:a"), behind("smtp")
    ('smtp;', 'smtp')
    """
    return f"{name_of(lane)};" if ":" in lane else lane


def _note(found: Look, lane: str, *, is_free: bool, wait: float | None, is_known: bool) -> None:
    if not is_known:
        found.unknown.add(name_of(lane))
    elif is_free:
        found.free.append(lane)
    elif wait:
        found.waits[lane] = float(wait)


def _look_by_windows(
    dialect: Dialect, queue: str, cursor: str, rules: Rules, most: int, hops: int, now: datetime | None
) -> Plan[Look]:
    found = Look(cursor=cursor)
    moment = dialect.stored_time(now)
    looked_at = 0
    while len(found.free) < most and looked_at < hops:
        rows = yield dialect.say("lanes.window", queue=queue, cursor=found.cursor, most=SEVERAL, now=moment)
        if not rows:
            found.cursor = ""
            return found
        due: dict[str, float] = {}  # seconds until the first job of each lane seen is due
        for lane, seconds in rows:
            due[lane] = min(due.get(lane, float(seconds)), float(seconds))
        last = rows[-1][0]
        if len(rows) == SEVERAL and dialect.probes_constants:
            due[last] = min(due[last], 0.0)  # there may be further jobs of a higher priority in it
        known = [lane for lane in due if name_of(lane) in rules]
        for lane in due.keys() - set(known):
            _note(found, lane, is_free=False, wait=None, is_known=False)
        found.cursor = last if name_of(last) in rules else behind(last)
        looked_at += len(due)
        if known:
            yield from _note_stands(dialect, found, {lane: due[lane] for lane in known}, rules, most, moment)
    return found


def _note_stands(
    dialect: Dialect, found: Look, due: Mapping[str, float], rules: Rules, most: int, moment: Any
) -> Plan[None]:
    """Which of these lanes have room; those beyond `most` are left to the next look."""
    lanes = sorted(due)
    listed = dump([(lane,) for lane in lanes])
    rows = {
        place: (running, wait) for place, running, wait in (yield dialect.say("lanes.stands", lanes=listed, now=moment))
    }
    missing = []
    for place, lane in enumerate(lanes, start=1):
        running, wait = rows[place]
        if wait is None:
            missing.append((lane,))
        waits = max(float(wait or 0.0), due[lane])
        _note(
            found, lane, is_free=waits <= 0 and running < rules[name_of(lane)].most, wait=max(waits, 0.0), is_known=True
        )
        if len(found.free) == most and place < len(lanes):
            found.cursor = lane
            break
    if missing and dialect.locks_lanes:
        yield dialect.say("lanes.make", lanes=dump(missing))
