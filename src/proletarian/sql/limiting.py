"""Limits as people see and set them, on the application's connection and in its transaction."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from proletarian.limit import name_of
from proletarian.sql.dialect import Dialect
from proletarian.sql.orders import Change, tell
from proletarian.sql.rows import as_text
from proletarian.sql.statements import Plan

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class LimitRecord(NamedTuple):
    """
    One limit in force: how many jobs may run, or may start in so many seconds; None means no limit.

    `held` is how many jobs under it are running now, in all its lanes. `by` and `set_at` (in UTC) say who set it at run
    time, and when; they are None if the limit is as the code of the live workers has it.
    """

    name: str
    running: int | None
    rate: int | None
    seconds: float | None
    burst: int | None
    ordered: bool
    held: int
    by: str | None
    set_at: datetime | None


def set_limit(dialect: Dialect, name: str, change: Change, by: str) -> Plan[None]:
    """Change a limit at run time; workers observe it soon after the commit."""
    said = dialect.stored_new({"name": name, "by": by})
    rate = {"rate": change.rate, "seconds": None if change.rate is None else change.seconds, "burst": change.burst}
    yield dialect.say("limiting.set", running=change.running, **rate, **said)
    yield from tell(dialect)


def reset_limit(dialect: Dialect, name: str) -> Plan[bool]:
    """Return to the limit in the code; returns whether it had been changed."""
    which = dialect.stored_new({"name": name})
    if dialect.moves_rows:
        was_set = bool((yield dialect.say("limiting.reset", **which)))
    else:
        was_set = bool((yield dialect.say("limiting.is_set", **which)))
        if was_set:
            yield dialect.say("limiting.reset", **which)
    yield from tell(dialect)
    return was_set


def limits(dialect: Dialect) -> Plan[list[LimitRecord]]:
    """All known limits, by name."""
    code = yield from declared(dialect)
    changes = {as_text(name): row for name, *row in (yield dialect.say("limiting.changes"))}
    held: Counter[str] = Counter()
    for lane, count in (yield dialect.say("limiting.running")):
        held[name_of(as_text(lane))] += int(count)
    found = []
    for name in sorted(code.keys() | changes.keys()):
        said = dict(code.get(name, {}))
        by, set_at = None, None
        if name in changes:
            running, rate, seconds, burst, by, microseconds = changes[name]
            if running is not None:
                said["running"] = running
            if rate is not None:
                said |= {"rate": rate, "seconds": seconds, "burst": burst}
            by, set_at = as_text(by), EPOCH + timedelta(microseconds=int(microseconds))
        has_rate = said.get("rate") is not None
        found.append(
            LimitRecord(
                name, said.get("running"), said.get("rate"), float(said.get("seconds") or 1.0) if has_rate else None,
                said.get("burst"), bool(said.get("ordered")), held[name], by, set_at,
            )
        )  # fmt: skip
    return found


def declared(dialect: Dialect) -> Plan[dict[str, Mapping[str, Any]]]:
    """The limits in the code of the live workers, by name; if two releases differ, the lower number."""
    found: dict[str, Mapping[str, Any]] = {}
    for (text,) in (yield dialect.say("limiting.declared")):
        for name, said in _read(text).items():
            other = found.get(name)
            if other is None or (said.get("running") or 0) < (other.get("running") or 0):
                found[name] = said
    return found


def _read(text: Any) -> dict[str, Mapping[str, Any]]:
    try:
        read = json.loads(as_text(text))
    except ValueError:
        return {}
    return {name: said for name, said in read.items() if isinstance(said, dict)} if isinstance(read, dict) else {}
