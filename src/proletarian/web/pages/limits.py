"""Limits: what may run or start at a time, who has changed that, and the state of each lane."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from proletarian.control.overriding import reset_limit, set_limit
from proletarian.errors import ConfigurationError
from proletarian.looking.lane_states import LaneRecord, lane_states
from proletarian.sql import finding, limiting
from proletarian.sql.limiting import LimitRecord
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask, Done, Refused, Shown

IN_A_PAGE = 50  # lanes
MOST_LIMITS = 200
FIELDS = ("running", "rate", "seconds", "burst")


@dataclass(frozen=True)
class InForce:
    """A limit in force, and what the code of the live workers declares; None: nothing."""

    record: LimitRecord
    code: str | None

    @property
    def rule(self) -> str:
        """What it allows, in words."""
        one = self.record
        return rule_of(one.running, one.rate, one.seconds, one.burst, ordered=one.ordered)


@dataclass(frozen=True)
class Lane:
    """A lane, how many jobs it may run at a time, and why no more start now."""

    record: LaneRecord
    most: int | None
    is_known: bool
    until: datetime | None  # when its rate or a retry lets it continue

    @property
    def is_full(self) -> bool:
        """Whether as many jobs run as may."""
        return self.most is not None and self.record.running >= self.most


@dataclass(frozen=True)
class Looked:
    """The result of a look."""

    now: datetime
    limits: Sequence[InForce]
    lanes: Sequence[Lane]
    more: str | None


def page(ask: Ask) -> Shown:
    """All limits, or the named one, and the lanes in which jobs wait or run."""
    name = ask.query.get("name") or None
    return shown(ask, name, form={}, wrong="")


def shown(ask: Ask, name: str | None, *, form: Mapping[str, str], wrong: str) -> Shown:
    """The page, with a form that was refused and the reason."""
    seen = ask.desk.look(look(ask, name, ask.query.get("after", "")))
    one = next((limit for limit in seen.limits if limit.record.name == name), None)
    if not form and one is not None and one.record.set_at is not None:
        form = fields_of(one.record)
    values: dict[str, Any] = {
        "seen": seen, "name": name, "one": one, "wrong": wrong, "most_limits": MOST_LIMITS,
        "after": ask.query.get("after", ""), "form": {field: form.get(field, "") for field in FIELDS},
    }  # fmt: skip
    return Shown("limits.html", values, 400 if wrong else 200, live=not wrong)


def look(ask: Ask, name: str | None, after: str) -> Plan[Looked]:
    """The limits in force, what the code says, and a page of lanes."""
    dialect = ask.desk.dialect
    now = yield from finding.time(dialect, ask.desk.queue.now())
    code = yield from limiting.declared(dialect)
    known = {limit.name: limit for limit in (yield from limiting.limits(dialect))}
    found = yield from lane_states(dialect, ask.desk.queue.now(), known, name=name, after=after, most=IN_A_PAGE)
    limits = [InForce(limit, _said(code.get(limit.name))) for limit in known.values()]
    lanes = [_lane(record, known.get(record.limit), now) for record in found]
    return Looked(now, limits, lanes, found[-1].lane if len(found) == IN_A_PAGE else None)


def _lane(record: LaneRecord, limit: LimitRecord | None, now: datetime) -> Lane:
    until = now + timedelta(seconds=record.blocked_for) if record.blocked_for else None
    return Lane(record, None if limit is None else limit.running, limit is not None, until)


def _said(code: Mapping[str, Any] | None) -> str | None:
    if code is None:
        return None
    seconds = float(code.get("seconds") or 1.0)
    return rule_of(code.get("running"), code.get("rate"), seconds, code.get("burst"), ordered=bool(code.get("ordered")))


def rule_of(running: int | None, rate: int | None, seconds: float | None, burst: int | None, *, ordered: bool) -> str:
    """
    What a limit allows, in words.

    >>> rule_of(5, None, None, None, ordered=False), rule_of(1, None, None, None, ordered=True)
    ('5 at a time', '1 at a time, in order')
    >>> rule_of(None, 100, 60.0, 10, ordered=False), rule_of(0, None, None, None, ordered=False)
    ('100 in 60 s, 10 of them at once', 'nothing starts')
    """
    if running == 0:
        return "nothing starts"
    said = [] if running is None else [f"{running} at a time"]
    if rate is not None:
        said.append(f"{rate} in {seconds or 1:g} s")
        said += [] if burst is None else [f"{burst} of them at once"]
    return ", ".join([*said, *(["in order"] if ordered else [])]) or "no limit"


def fields_of(record: LimitRecord) -> dict[str, str]:
    """A limit as the fields of the form."""
    given = {name: getattr(record, name) for name in FIELDS}
    return {name: f"{value:g}" for name, value in given.items() if value is not None}


# Actions.


def change(ask: Ask) -> Done | Shown:
    """Set a limit: workers keep to it from now on."""
    name = _name(ask)
    try:
        given = {field: _number(field, ask.form.get(field, "")) for field in FIELDS}
        detail = rule_of(given["running"], given["rate"], given["seconds"], given["burst"], ordered=False)

        def plan() -> Plan[None]:
            yield from set_limit(
                ask.desk.queue, ask.desk.kind, name, given["running"], rate=given["rate"],
                seconds=given["seconds"] or 1.0, burst=given["burst"], by=ask.visitor.name,
            )  # fmt: skip
            yield from ask.noted("set limit", name, detail)

        ask.desk.act(plan())
    except ConfigurationError as error:
        return shown(ask, name, form=ask.form, wrong=str(error))
    return Done(
        ask.url("/limits", name=name), f"The limit {name} is set: {detail}. Workers keep to it within a second."
    )


def lift(ask: Ask) -> Done:
    """Lift a limit: what the code says applies again."""
    name = _name(ask)

    def plan() -> Plan[bool]:
        was_set = yield from reset_limit(ask.desk.queue, ask.desk.kind, name)
        yield from ask.noted("lift limit", name)
        return was_set

    was_set = ask.desk.act(plan())
    return Done(ask.url("/limits", name=name), f"The limit {name} {'was lifted' if was_set else 'was not set'}.")


def _name(ask: Ask) -> str:
    if name := ask.form.get("name", "").strip():
        return name
    raise Refused("The form names no limit.", 400)


def _number(field: str, text: str) -> Any:
    """A number from a form; None if it was left empty."""
    text = text.strip()
    if not text:
        return None
    kind, name = (float, "a number of seconds") if field == "seconds" else (int, "a whole number")
    try:
        return kind(text)
    except ValueError:
        raise ConfigurationError(f"{field} is {name}, not {text!r}") from None
