"""How long something takes or waits: seconds or a timedelta, wherever a time can be passed."""

from __future__ import annotations

import re
from datetime import timedelta
from numbers import Real

from proletarian.errors import ConfigurationError

Duration = float | timedelta

UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def in_seconds(
    value: object, name: str, *, zero: bool = True, negative: bool = False, kind: type[Exception] = ConfigurationError
) -> float:
    """
    Seconds, from seconds or a timedelta; raises an error that says what `name` takes instead.

    >>> in_seconds(timedelta(minutes=1.5), "time_limit")
    90.0
    >>> in_seconds(0, "heartbeat", zero=False)
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: heartbeat is seconds or a timedelta, more than 0, not 0
    """
    seconds = _number(value)
    if seconds is not None and (negative or seconds > 0 or (zero and seconds == 0)):
        return seconds
    bound = "" if negative else ", 0 or more" if zero else ", more than 0"
    raise kind(f"{name} is seconds or a timedelta{bound}, not {value!r}")


def read(text: str, *, kind: type[Exception] = ConfigurationError) -> float:
    """
    Seconds, from what people write: a number of seconds, or a number with a unit: s, m, h or d.

    >>> read("1.5m")
    90.0
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([smhd]?)", text.strip())
    if match is None:
        raise kind(f"{text!r} is not a duration: give seconds, or a number with s, m, h or d, as in 90s or 7d")
    return in_seconds(float(match[1]) * UNITS[match[2] or "s"], "a duration", kind=kind)


def _number(value: object) -> float | None:
    """A finite number of seconds, if the value is one; text and booleans are not."""
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, bool) or not isinstance(value, Real):
        return None
    try:
        seconds = float(value)
    except (OverflowError, ValueError):
        return None
    return seconds if abs(seconds) < float("inf") else None


def spelled(seconds: float) -> str:
    """
    Seconds as people write them: in the largest unit that they are a whole number of.

    >>> spelled(5400), spelled(86400.0), spelled(0.5)
    ('90m', '1d', '0.5s')
    """
    for unit, size in reversed(UNITS.items()):
        if seconds and seconds % size == 0:
            return f"{seconds / size:.0f}{unit}"
    return f"{seconds:g}s"
