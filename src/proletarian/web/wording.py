"""How numbers, ages, moments and values are written on pages."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from proletarian.looking.records import Count

SPANS = ((86400, "d"), (3600, "h"), (60, "min"))


def span(seconds: float | None) -> str:
    """
    How long something takes or took, in the most useful unit.

    >>> span(0.0123), span(3.21), span(75), span(7300), span(200_000), span(None)
    ('12 ms', '3.2 s', '75 s', '2 h 1 min', '2 d 7 h', '–')
    """
    if seconds is None:
        return "–"
    if seconds < 1:
        return f"{max(0, seconds) * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = int(seconds // 60)
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours and days < 14 else f"{days} d"


def ago(moment: datetime | None, now: datetime) -> str:
    """
    When something was or will be, relative to now.

    >>> noon = datetime(2026, 12, 1, 12, tzinfo=UTC)
    >>> ago(noon, noon.replace(hour=14)), ago(noon.replace(minute=5), noon), ago(noon, noon), ago(None, noon)
    ('2 h ago', 'in 5 min', 'now', '–')
    """
    if moment is None:
        return "–"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{_rough(seconds)} ago" if seconds > 0 else f"in {_rough(-seconds)}"


def _rough(seconds: float) -> str:
    for size, unit in SPANS:
        if seconds >= 2 * size or (unit == "min" and seconds >= 100):
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"


def utc(moment: datetime | None) -> str:
    """
    A moment in full.

    >>> utc(datetime(2026, 12, 1, 12, 30, 5, 120_000, tzinfo=UTC))
    '2026-12-01 12:30:05.120 UTC'
    """
    if moment is None:
        return ""
    text = f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    return f"{text.removesuffix('.000')} UTC"


def number(given: float | None) -> str:
    """
    A number with thousands separators, and a plus sign if counting stopped there.

    >>> number(12431), number(Count(10_000, is_exact=False)), number(None)
    ('12,431', '10,000+', '–')
    """
    if given is None:
        return "–"
    more = "+" if isinstance(given, Count) and not given.is_exact else ""
    return f"{given:,.0f}{more}" if float(given).is_integer() else f"{given:,.1f}{more}"


def size(given: int | None) -> str:
    """
    A number of bytes, in the most useful unit.

    >>> size(512), size(8192), size(5_300_000), size(None)
    ('512 B', '8.2 kB', '5.3 MB', '–')
    """
    if given is None:
        return "–"
    for unit, one in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if given >= one:
            return f"{given / one:.1f} {unit}"
    return f"{given} B"


def several(given: float, one: str, many: str = "") -> str:
    """
    A number of things.

    >>> several(1, "job"), several(0, "job"), several(1200, "retry", "retries")
    ('1 job', '0 jobs', '1,200 retries')
    """
    return f"{number(given)} {one if given == 1 else many or one + 's'}"


def as_json(value: Any) -> str:
    """A value as indented JSON; values that JSON cannot represent as text."""
    try:
        return msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2).decode()
    except Exception:  # noqa: BLE001 (a serializer of the application's may return anything)
        return repr(value)
