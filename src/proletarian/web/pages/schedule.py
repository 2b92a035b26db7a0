"""Changing one schedule: its times and its payload. Schedules that code declares are changed in the code."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast, get_args

from proletarian.control import timetable
from proletarian.control.timetable import Kept
from proletarian.errors import ConfigurationError
from proletarian.schedule import Missed, ScheduleRecord
from proletarian.sql.statements import Plan
from proletarian.times.durations import read, spelled
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.wording import as_json

DECLARED = "The schedule {!r} is declared in code: change it there. It can be paused, resumed and run here."


def page(ask: Ask) -> Shown:
    """The form, filled in with the schedule."""
    record = _record(ask, ask.query)
    return _form(ask, record, as_fields(record), "")


def change(ask: Ask) -> Done | Shown:
    """Change the schedule; an invalid form is shown again, with the reason."""
    record = _record(ask, ask.form)
    try:
        when, payload = _when(ask.form), _payload(ask.form, record)
        ask.desk.act(_changed(ask, record, when, payload))
    except ConfigurationError as error:
        return _form(ask, record, ask.form, str(error))
    app = record.app if record.app != ask.app else ""
    return Done(ask.url("/schedules", app=app), f"The schedule {record.name} was changed.")


def as_fields(record: ScheduleRecord) -> dict[str, str]:
    """A schedule as the fields of the form; without a payload that JSON would change."""
    text = as_json(record.payload)
    return {
        "cron": record.cron or "", "every": "" if record.every is None else spelled(record.every.total_seconds()),
        "tz": record.tz, "missed": record.missed, **({"payload": text} if _is_plain(record.payload, text) else {}),
    }  # fmt: skip


def _is_plain(payload: Any, text: str) -> bool:
    try:
        return payload is not None and bool(json.loads(text) == payload)
    except ValueError:
        return False


def _form(ask: Ask, record: ScheduleRecord, fields: Mapping[str, str], wrong: str) -> Shown:
    values = {"record": record, "fields": fields, "wrong": wrong, "kinds": get_args(Missed), "home": ask.app}
    return Shown("schedule.html", values, 400 if wrong else 200)


def _record(ask: Ask, said: Mapping[str, str]) -> ScheduleRecord:
    """The schedule to change; raises `Refused` for one that is declared in code."""
    if not (name := said.get("name")):
        raise Refused("The form names no schedule.", 400)
    desk = ask.desk
    record = desk.look(timetable.see(desk.queue, desk.kind, said.get("app", ask.app), name))
    if record.declared:
        raise Refused(DECLARED.format(name), 409)
    return record


def _when(form: Mapping[str, str]) -> str | timedelta:
    cron, every = form.get("cron", "").strip(), form.get("every", "").strip()
    if bool(cron) == bool(every):
        raise ConfigurationError("give either a cron expression, as in 0 6 1 * *, or an interval, as in 5m")
    return cron or timedelta(seconds=read(every))


def _payload(form: Mapping[str, str], record: ScheduleRecord) -> Any:
    """The payload from the form; unchanged if nobody has edited it."""
    if "payload" not in form:
        return Kept.as_it_is
    try:
        payload = json.loads(form["payload"])
    except ValueError as error:
        raise ConfigurationError(f"the payload is not JSON: {error}") from None
    return Kept.as_it_is if payload == record.payload else payload


def _changed(ask: Ask, record: ScheduleRecord, when: str | timedelta, payload: Any) -> Plan[None]:
    tz = ask.form.get("tz", "").strip() or None
    missed = cast(Missed, ask.form.get("missed", record.missed))
    yield from timetable.change(
        ask.desk.queue, ask.desk.kind, record.app, record.name, when,
        tz=tz if isinstance(when, str) else None, missed=missed, payload=payload,
    )  # fmt: skip
    said = when if isinstance(when, str) else f"every {spelled(when.total_seconds())}"
    of_payload = "" if payload is Kept.as_it_is else "; its payload was changed"
    yield from ask.noted("change schedule", record.name, f"{said}, {tz or 'UTC'}, missed: {missed}{of_payload}")
