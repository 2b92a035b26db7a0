"""Schedules: when they fire next, in their time zone and in UTC; pause, resume, run now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from proletarian.control import timetable
from proletarian.errors import ConfigurationError
from proletarian.schedule import ScheduleRecord
from proletarian.sql import finding
from proletarian.sql.statements import Plan
from proletarian.times.ticks import zone
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.desk import Desk

NEXT = 5
IN_A_PAGE = 100


@dataclass(frozen=True)
class Tick:
    """One time at which a schedule fires: the instant, the local time, and what is unusual about it."""

    at: datetime
    local: datetime
    note: str


@dataclass(frozen=True)
class Planned:
    """A schedule and its next ticks, or why they cannot be computed here."""

    record: ScheduleRecord
    ticks: list[Tick]
    trouble: str
    late: float  # seconds since the next tick should have fired


def page(ask: Ask) -> Shown:
    """The application's schedules, sorted by name."""
    app = ask.query.get("app", ask.app)
    now, records = ask.desk.look(_look(ask, app))
    found = [planned(record, now) for record in records]
    more = records[-1].name if len(records) == IN_A_PAGE else None
    return Shown("schedules.html", {"now": now, "schedules": found, "more": more, "app": app}, live=True)


def _look(ask: Ask, app: str) -> Plan[tuple[datetime, list[ScheduleRecord]]]:
    desk = ask.desk
    now = yield from finding.time(desk.dialect, desk.queue.now())
    records = yield from timetable.find(desk.queue, desk.kind, app, after=ask.query.get("after", ""), limit=IN_A_PAGE)
    return now, records


def planned(record: ScheduleRecord, now: datetime) -> Planned:
    """A schedule with its next ticks, and how late it is."""
    late = max(0.0, (now - record.next_at).total_seconds()) if record.paused_at is None else 0.0
    try:
        ticks = [tick(at, record.tz) for at in record.next(NEXT)]
    except ConfigurationError as error:
        return Planned(record, [], str(error), late)
    return Planned(record, ticks, "", late)


def tick(at: datetime, tz: str) -> Tick:
    """
    An instant in local time; days on which the clock changes are marked.

    >>> from datetime import UTC
    >>> tick(datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Europe/Berlin").note
    'clocks go back on this day'
    >>> tick(datetime(2026, 10, 26, 1, 30, tzinfo=UTC), "Europe/Berlin").note
    ''
    """
    local = at.astimezone(zone(tz))
    midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
    before, after = midnight.utcoffset(), (midnight + timedelta(days=1)).utcoffset()
    assert before is not None  # noqa: S101 (it has a zone)
    assert after is not None  # noqa: S101
    note = (
        "" if before == after else "clocks go back on this day" if after < before else "clocks go forward on this day"
    )
    return Tick(at, local, note)


def pause(ask: Ask) -> Done:
    """Pause a schedule: it does not fire."""
    return _steered(ask, "pause", "is paused")


def resume(ask: Ask) -> Done:
    """Resume a schedule: it continues with its next tick."""
    return _steered(ask, "resume", "continues with its next tick")


def run(ask: Ask) -> Done:
    """Enqueue the schedule's job now."""
    name, app, desk = _named(ask)

    def plan() -> Plan[object]:
        job_id = yield from timetable.run(desk.queue, desk.kind, app, name)
        yield from ask.noted("run schedule", name, app)
        return job_id

    job_id = desk.queue.job_ids.decode(desk.act(plan()))
    return Done(ask.url("/job", id=job_id), f"The schedule {name} enqueued this job.")


def _steered(ask: Ask, verb: str, now: str) -> Done:
    name, app, desk = _named(ask)
    do = timetable.pause if verb == "pause" else timetable.resume

    def plan() -> Plan[None]:
        yield from do(desk.queue, desk.kind, app, name)
        yield from ask.noted(f"{verb} schedule", name, app)

    desk.act(plan())
    return Done(ask.url("/schedules", app=app if app != ask.app else ""), f"The schedule {name} {now}.")


def _named(ask: Ask) -> tuple[str, str, Desk]:
    if name := ask.form.get("name"):
        return name, ask.form.get("app", ask.app), ask.desk
    raise Refused("The form names no schedule.", 400)
