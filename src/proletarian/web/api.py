"""The same data as JSON, for programs: every answer is bounded, and the next page starts after `next`."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

import msgspec

from proletarian.errors import FilterError
from proletarian.filters import JobFilter
from proletarian.looking.records import Count
from proletarian.looking.seeing import see_jobs
from proletarian.looking.surveying import failure_groups
from proletarian.looking.surveying import throughput as throughput_plan
from proletarian.web.asking import Ask
from proletarian.web.pages import audit as audit_page
from proletarian.web.pages import failures as failures_page
from proletarian.web.pages import job as job_page
from proletarian.web.pages import limits as limits_page
from proletarian.web.pages import schedules as schedules_page
from proletarian.web.survey import surveyed

MOST_JOBS = 200


def encoded(value: Any) -> bytes:
    """JSON; counts become plain numbers, and what JSON cannot represent becomes text."""
    return msgspec.json.encode(value, enc_hook=lambda other: int(other) if isinstance(other, int) else str(other))


def jobs(ask: Ask) -> bytes:
    """`?q=FILTER&limit=50&after=CURSOR`."""
    limit = ask.query.get("limit", "50")
    if not limit.isdecimal() or not 1 <= int(limit) <= MOST_JOBS:
        raise FilterError(f"limit is a number of jobs from 1 to {MOST_JOBS}, not {limit!r}")
    found = ask.desk.look(
        see_jobs(
            ask.desk.queue, ask.desk.kind, JobFilter.parse(ask.query.get("q", "")), limit=int(limit),
            after=ask.query.get("after") or None, mask=True, why=True,
        )
    )  # fmt: skip
    return encoded({"jobs": list(found), "next": found.next})


def job(ask: Ask) -> bytes:
    """`?id=ID`."""
    _, found = ask.desk.look(job_page.look(ask.desk, ask.query.get("id", ""), mask=True))
    return encoded(found)


def queues(ask: Ask) -> bytes:
    """What each queue holds."""
    seen = surveyed(ask)
    return encoded({"now": seen.now, "queues": [_counted(asdict(queue)) for queue in seen.queues]})


def workers(ask: Ask) -> bytes:
    """The workers, and which of them are alive."""
    seen = surveyed(ask)
    return encoded({"now": seen.now, "workers": [{"worker": one.worker, **asdict(one)} for one in seen.workers]})


def failures(ask: Ask) -> bytes:
    """`?q=FILTER`."""
    which = JobFilter.parse(ask.query.get("q", ""))
    groups = ask.desk.look(failure_groups(ask.desk.queue, ask.desk.kind, which, most=failures_page.MOST))
    return encoded(
        {"failures": [_counted({**asdict(replace(group, ended=())), "filter": str(group.filter)}) for group in groups]}
    )


def schedules(ask: Ask) -> bytes:
    """`?app=NAME`: schedules with their next ticks."""
    shown = schedules_page.page(ask)
    found = [
        {**asdict(one.record), "next": [tick.at for tick in one.ticks], "trouble": one.trouble}
        for one in shown.values["schedules"]
    ]
    return encoded({"schedules": found, "next": shown.values["more"]})


def limits(ask: Ask) -> bytes:
    """`?name=LIMIT&after=LANE`: limits in force, and the state of a page of lanes."""
    seen = ask.desk.look(limits_page.look(ask, ask.query.get("name") or None, ask.query.get("after", "")))
    found = [{**one.record._asdict(), "code": one.code} for one in seen.limits]
    lanes = [{**_counted(lane.record._asdict()), "limit": lane.record.limit} for lane in seen.lanes]
    return encoded({"limits": found, "lanes": lanes, "next": seen.more})


def throughput(ask: Ask) -> bytes:
    """What ended in each minute of the last hour."""
    found = ask.desk.look(throughput_plan(ask.desk.queue, ask.desk.kind, minutes=60, queue=None, most=10_000))
    return encoded({"minutes": [_counted(asdict(minute)) for minute in found]})


def audit(ask: Ask) -> bytes:
    """`?after=NUMBER`: who did what."""
    shown = audit_page.page(ask)
    entries = [entry._asdict() for entry in shown.values["entries"]]
    return encoded({"entries": entries, "next": shown.values["more"]})


def _counted(said: dict[str, Any]) -> dict[str, Any]:
    inexact = [name for name, value in said.items() if isinstance(value, Count) and not value.is_exact]
    return {**said, "at_least": inexact}
