"""The audit: who did what."""

from __future__ import annotations

from datetime import datetime

from proletarian.sql import auditing, finding
from proletarian.sql.auditing import Entry
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Shown
from proletarian.web.desk import Desk

IN_A_PAGE = 100


def page(ask: Ask) -> Shown:
    """The latest actions first."""
    after = ask.query.get("after", "")
    below = int(after) if after.isdecimal() else auditing.LATEST
    now, entries = ask.desk.look(look(ask.desk, min(below, auditing.LATEST)))
    more = entries[-1].entry_id if len(entries) == IN_A_PAGE else None
    return Shown("audit.html", {"now": now, "entries": entries, "more": more})


def look(desk: Desk, below: int) -> Plan[tuple[datetime, list[Entry]]]:
    """The time, and a page of entries."""
    now = yield from finding.time(desk.dialect, desk.queue.now())
    return now, (yield from auditing.entries(desk.dialect, IN_A_PAGE, below))
