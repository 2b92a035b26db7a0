"""Jobs that match a filter: how many are in each state, and a page of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from proletarian.errors import FilterError
from proletarian.filters import KEYS, STATES, JobFilter
from proletarian.looking.records import Count, Page
from proletarian.looking.seeing import count, see_jobs
from proletarian.sql import finding
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Shown
from proletarian.web.desk import Desk

IN_A_PAGE = 50
MOST_COUNTED = 1_000  # in each state
COUNTED = finding.WINDOWS[:2]  # rows that are read for a count; there are seven


class Listed(NamedTuple):
    """What the page shows."""

    now: datetime
    counts: Mapping[str, Count]
    found: Page


def page(ask: Ask) -> Shown:
    """The jobs that match the filter; a filter that cannot be understood is explained above an empty list."""
    text, after = ask.query.get("q", "").strip(), ask.query.get("after") or None
    values: dict[str, Any] = {"text": text, "keys": KEYS, "after": after, "wrong": "", "tabs": [], "listed": None}
    try:
        which = JobFilter.parse(text)
        listed = ask.desk.look(look(ask.desk, which, after))
    except FilterError as error:
        return Shown("jobs.html", {**values, "wrong": str(error)}, 400)
    whole = Count(sum(listed.counts.values()), is_exact=all(one.is_exact for one in listed.counts.values()))
    tabs = [("all", str(replace(which, state=None)), whole, not which.state)]
    tabs += [
        (state, str(replace(which, state=state)), listed.counts[state], which.state == (state,)) for state in STATES
    ]
    return Shown("jobs.html", {**values, "tabs": tabs, "listed": listed, "which": which}, live=after is None)


def look(desk: Desk, which: JobFilter, after: str | None) -> Plan[Listed]:
    """Counts by state, whatever state the filter names, and a page of the jobs that match."""
    now = yield from finding.time(desk.dialect, desk.queue.now())
    counts = {}
    for state in STATES:
        counts[state] = yield from count(
            desk.queue, desk.kind, replace(which, state=state), most=MOST_COUNTED, windows=COUNTED
        )
    found = yield from see_jobs(desk.queue, desk.kind, which, limit=IN_A_PAGE, after=after, mask=True, why=True)
    return Listed(now, counts, found)
