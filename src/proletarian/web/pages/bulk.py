"""
Actions on all jobs that match a filter: previewed, then done batch by batch, each in its own transaction.

Between two batches, the form is the only state: where to continue, and how many jobs were changed. So an action can be
stopped at any moment and continues after a restart, in any process of the dashboard.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from proletarian.errors import FilterError
from proletarian.filters import JobFilter
from proletarian.looking.records import Count, Page
from proletarian.looking.seeing import count, see_jobs
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.deeds import DEEDS, Deed, reason_of
from proletarian.web.desk import Desk

BATCH = 500  # jobs in one transaction
SPELL = 2.0  # seconds of work for one request
SAMPLE = 5
MOST_COUNTED = 10_000


def preview(ask: Ask) -> Shown:
    """How many jobs match, and some of them, before anything is done."""
    deed = DEEDS.get(ask.query.get("do", ""))
    if deed is None:
        raise Refused("There is no such action.")
    which = meant(ask.query.get("q", ""), deed)
    whole, sample = ask.desk.look(_looked(ask.desk, which))
    return Shown("bulk.html", {"deed": deed, "which": which, "whole": whole, "sample": sample, "step": None})


def meant(text: str, deed: Deed) -> JobFilter:
    """The selected jobs; raises `FilterError` for a filter that matches every job, or none that this can be done to."""
    which = JobFilter.parse(text)
    if not which:
        raise FilterError("this filter matches every job; write queue:* if you mean all of them")
    if which.state is None:
        return replace(which, state=deed.default)
    possible = tuple(state for state in which.state if state in deed.states)
    if not possible:
        raise FilterError(
            f"this cannot be done to jobs that are {', '.join(which.state)}; states: {', '.join(deed.states)}"
        )
    return replace(which, state=possible)


def _looked(desk: Desk, which: JobFilter) -> Plan[tuple[Count, Page]]:
    whole = yield from count(desk.queue, desk.kind, which, most=MOST_COUNTED)
    sample = yield from see_jobs(desk.queue, desk.kind, which, limit=SAMPLE, after=None, mask=True, why=False)
    return whole, sample


@dataclass(frozen=True)
class Step:
    """Its progress."""

    changed: int
    after: str


def work(ask: Ask, deed: Deed) -> Done | Shown:
    """Do it to the matching jobs for as long as a request may take; then say how to continue."""
    text = ask.form.get("q", "")
    which = meant(text, deed)
    changed, after = _number(ask.form.get("changed")), ask.form.get("after") or None
    ends = time.monotonic() + SPELL
    while True:
        done, after = ask.desk.act(_batch(ask, deed, which, after))
        changed += done
        if after is None:
            said = f"{changed:,} job{'' if changed == 1 else 's'} {deed.past}."
            return Done(ask.url("/jobs", q=str(replace(which, state=None)) or text), said)
        if time.monotonic() > ends:
            values: dict[str, Any] = {"deed": deed, "which": which, "whole": None, "sample": []}
            return Shown("bulk.html", {**values, "step": Step(changed, after), "reason": reason_of(ask)})


def _batch(ask: Ask, deed: Deed, which: JobFilter, after: str | None) -> Plan[tuple[int, str | None]]:
    """One batch: of the jobs that match at this moment, those that still match when they are changed."""
    desk = ask.desk
    found = yield from see_jobs(desk.queue, desk.kind, which, limit=BATCH, after=after, mask=True, why=False)
    ids: Sequence[Any] = [job.job_id for job in found]
    changed = 0
    if ids:
        changed = (yield from deed.do(ask, JobFilter(job_id=ids, state=which.state))).jobs
        yield from ask.noted(deed.noted[1], str(which), reason_of(ask), changed)
    return changed, found.next


def _number(text: str | None) -> int:
    return int(text) if text and text.isdecimal() else 0


def act(name: str) -> Callable[[Ask], Done | Shown]:
    """The form for one of the actions."""
    return lambda ask: work(ask, DEEDS[name])
