"""Limits that people set at run time: checked, and then stored."""

from __future__ import annotations

from proletarian.errors import ConfigurationError
from proletarian.limit import A_LIMIT_NAME, is_limit_name
from proletarian.shared import Shared
from proletarian.sql import limiting
from proletarian.sql.orders import Change
from proletarian.sql.statements import Plan
from proletarian.times.durations import Duration, in_seconds


def set_limit(
    shared: Shared,
    database: str,
    name: str,
    running: int | None,
    *,
    rate: int | None,
    seconds: Duration,
    burst: int | None,
    by: str,
) -> Plan[None]:
    """Set a limit."""
    if running is None and rate is None:
        raise ConfigurationError("set_limit takes how many may run at a time, or a rate=, or both; see reset_limit")
    for what, number, least in (("running", running, 0), ("rate", rate, 1), ("burst", burst, 1)):
        if number is not None and (isinstance(number, bool) or not isinstance(number, int) or number < least):
            raise ConfigurationError(f"{what} is a whole number, {least} or more, not {number!r}")
    if burst is not None and rate is None:
        raise ConfigurationError("burst belongs to a rate: how many of it may start at once")
    if not isinstance(by, str):
        raise ConfigurationError(f"by is a text, not {by!r}")
    change = Change(running, rate, in_seconds(seconds, "seconds", zero=False), burst)
    yield from limiting.set_limit(shared.dialect(database), _checked(name), change, by.replace("\0", ""))


def reset_limit(shared: Shared, database: str, name: str) -> Plan[bool]:
    """Remove what was set."""
    return (yield from limiting.reset_limit(shared.dialect(database), _checked(name)))


def limits(shared: Shared, database: str) -> Plan[list[limiting.LimitRecord]]:
    """All limits."""
    return (yield from limiting.limits(shared.dialect(database)))


def _checked(name: str) -> str:
    if not is_limit_name(name):
        raise ConfigurationError(f"the name of a limit is {A_LIMIT_NAME}, not {name!r}")
    return name
