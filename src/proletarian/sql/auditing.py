"""The audit of what people do: entries are written in the transaction of the act itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from proletarian.sql.dialect import Dialect
from proletarian.sql.pausing import EPOCH
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan

LATEST = 2**63 - 1  # no entry has a higher number
LONGEST = 2_000  # characters of a target or a detail


class Entry(NamedTuple):
    """One action: who did what, to what, when (in UTC), and to how many jobs (None if no jobs are counted)."""

    entry_id: int
    at: datetime
    who: str
    action: str
    target: str
    detail: str
    jobs: int | None


def note(dialect: Dialect, who: str, action: str, target: str, detail: str = "", jobs: int | None = None) -> Plan[None]:
    """Record that somebody did something."""
    said = {"who": who, "action": action, "target": target[:LONGEST], "detail": detail[:LONGEST], "jobs": jobs}
    yield dialect.say("auditing.note", **dialect.stored_new(said))


def entries(dialect: Dialect, most: int, below: int = LATEST) -> Plan[list[Entry]]:
    """What was done, latest first: up to `most` entries with numbers below this one."""
    rows = yield dialect.say("auditing.entries", below=below, most=most)
    found = []
    for number, microseconds, *texts, jobs in rows:
        who, action, target, detail = map(as_text, texts)
        at = EPOCH + timedelta(microseconds=int(microseconds))
        found.append(Entry(int(number), at, who, action, target, detail, jobs))
    return found
