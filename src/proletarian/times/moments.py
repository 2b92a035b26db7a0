"""
The moments that every database's calendar can hold, and what happens to those beyond it.

At an enqueue they are refused, because nobody means the year 11000. A run that asks for such a
delay has already happened: its delay is cut short, so that the job is kept and does not hold up
the outcomes of other jobs.
"""

from __future__ import annotations

from datetime import UTC, datetime

from proletarian.errors import ConfigurationError

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)  # anything earlier is past anyway, and is stored as this
LATEST = datetime(9999, 1, 1, tzinfo=UTC)  # calendars end a year later: room for clocks that differ, and zones

AGES = 1e9  # seconds, 31 years: shorter delays need no look at the clock


def longest_delay() -> float:
    """Seconds from now to the latest moment."""
    return (LATEST - datetime.now(UTC)).total_seconds()


def checked_moment(moment: datetime, name: str) -> None:
    """
    Raise `ConfigurationError` for an aware moment that not every database can store.

    >>> checked_moment(datetime.max.replace(tzinfo=UTC), "process_at")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: process_at=9999-12-31T23:59:59.999999+00:00 is too far away: the latest is 9999-01-01, because that is where the calendars of databases end
    """  # noqa: E501
    if moment > LATEST:
        raise ConfigurationError(
            f"{name}={moment.isoformat()} is too far away: the latest is {LATEST:%Y-%m-%d}, because that is where "
            "the calendars of databases end"
        )


def checked_delay(seconds: float, name: str) -> None:
    """
    Raise `ConfigurationError` for a delay that ends after the latest moment.

    >>> checked_delay(1e12, "process_in")
    Traceback (most recent call last):
    proletarian.errors.ConfigurationError: process_in of 1000000000000.0 s ends too far away: the latest is 9999-01-01, because that is where the calendars of databases end
    """  # noqa: E501
    if seconds > AGES and seconds > longest_delay():
        raise ConfigurationError(
            f"{name} of {seconds} s ends too far away: the latest is {LATEST:%Y-%m-%d}, because that is where the "
            "calendars of databases end"
        )


def within_reach(delay: float) -> float:
    """
    The delay, cut short if it ends after the latest moment.

    >>> within_reach(60.0), within_reach(1e15) < 8000 * 365.25 * 86400
    (60.0, True)
    """
    return delay if delay <= AGES else min(delay, longest_delay())
