"""
Jobs that are worthless when they are late: `expires_in`, and whether a claimed job is too late.

It travels as a header, in seconds from the enqueue, and is checked when a run is about to start: so neither tables
nor statements know about it, and jobs without it pay nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from proletarian.errors import ConfigurationError
from proletarian.times.durations import Duration, in_seconds
from proletarian.times.moments import checked_delay

HEADER = "expires_in"
REASON = "expired"


def with_expiry(headers: Mapping[str, str] | None, expires_in: Duration) -> dict[str, str]:
    """
    Headers that say after how many seconds a job is too late.

    >>> with_expiry({"tenant": "a"}, timedelta(minutes=1))
    {'tenant': 'a', 'expires_in': '60.0'}
    """
    return {**(headers or {}), HEADER: str(in_seconds(expires_in, HEADER))}


def require_expiry(expires_in: Duration, delay: float | None) -> None:
    """Refuse something that is not a time, and a time that ends before the job is due."""
    seconds = in_seconds(expires_in, HEADER, zero=False)
    checked_delay(seconds, HEADER)
    if delay is not None and delay >= seconds:
        raise ConfigurationError(f"a job with process_in={delay:g} s and expires_in={seconds:g} s could never start")


def deadline(headers: Mapping[str, str], enqueued_at: datetime | None) -> datetime | None:
    """
    The time by which a job has to start, if it has one.

    >>> noon = datetime(2026, 12, 1, 12)
    >>> deadline({"expires_in": "90"}, noon), deadline({"expires_in": "soon"}, noon), deadline({}, noon)
    (datetime.datetime(2026, 12, 1, 12, 1, 30), None, None)
    """
    if HEADER not in headers or enqueued_at is None:
        return None
    try:
        return enqueued_at + timedelta(seconds=float(headers[HEADER]))
    except (ValueError, OverflowError):  # somebody else has written it
        return None


def is_expired(until: datetime, process_at: datetime | None, now: datetime) -> bool:
    """
    Whether it is too late for a job that has never started.

    A job that is due after its deadline was moved there on purpose: retried from the archive, rescheduled, snoozed.

    >>> noon, minute = datetime(2026, 12, 1, 12), timedelta(minutes=1)
    >>> is_expired(noon, noon - minute, noon + minute), is_expired(noon, noon + minute, noon + 2 * minute)
    (True, False)
    """
    return until < now and (process_at is None or process_at <= until)
