"""Failures grouped by what failed and how: since when, how often, where, and one button for all of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from proletarian.errors import FilterError
from proletarian.filters import JobFilter
from proletarian.looking.surveying import failure_groups
from proletarian.looking.surveys import FailureGroup
from proletarian.sql import finding
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Shown

HOURS = 24
MOST_SHOWN = 100  # groups
MOST = 2_000  # failures that are looked at, the latest first


def by_hour(moments: Sequence[datetime], now: datetime) -> list[int]:
    """
    How many there are in each of the last 24 hours, oldest first.

    >>> noon = datetime(2026, 12, 1, 12)
    >>> by_hour([noon.replace(hour=11, minute=30), noon.replace(hour=9), noon.replace(month=11)], noon)[-4:]
    [1, 0, 0, 1]
    """
    hours = Counter(int((now - moment).total_seconds() // 3600) for moment in moments)
    return [hours[back] for back in reversed(range(HOURS))]


def page(ask: Ask) -> Shown:
    """The failures that match the filter, in groups."""
    text = ask.query.get("q", "").strip()
    values = {"text": text, "wrong": "", "groups": [], "most": MOST, "most_shown": MOST_SHOWN}
    try:
        now, groups = ask.desk.look(_look(ask, JobFilter.parse(text)))
    except FilterError as error:
        return Shown("failures.html", {**values, "wrong": str(error)}, 400)
    return Shown("failures.html", {**values, "now": now, "groups": groups, "by_hour": by_hour}, live=True)


def _look(ask: Ask, which: JobFilter) -> Plan[tuple[datetime, list[FailureGroup]]]:
    desk = ask.desk
    now = yield from finding.time(desk.dialect, desk.queue.now())
    groups = yield from failure_groups(desk.queue, desk.kind, replace(which, state="failed"), most=MOST)
    return now, groups
