"""Seconds or a timedelta, wherever a time can be given; anything else is refused there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import click
import pytest

from proletarian import ConfigurationError, NewJob, Retry, RetryAfter, Snooze, Tasks
from proletarian.cli.durations import duration
from proletarian.job import Stopping
from proletarian.testing import Clock
from proletarian.times.durations import in_seconds

HALF_A_MINUTE = timedelta(seconds=30)


@pytest.mark.parametrize("value", [30, 30.0, HALF_A_MINUTE, Fraction(30)], ids=repr)
def test_the_same_time_in_several_words(value: Any) -> None:
    assert in_seconds(value, "it") == 30.0
    assert type(in_seconds(value, "it")) is float


NONSENSE = ["30", "soon", True, None, [30], Decimal(30), float("nan"), float("inf"), 10**400]


@pytest.mark.parametrize("value", [*NONSENSE, -1, timedelta(seconds=-1)], ids=range(len(NONSENSE) + 2))
def test_an_invalid_time_is_refused_with_a_message(value: Any) -> None:
    with pytest.raises(ConfigurationError, match="it is seconds or a timedelta, 0 or more, not"):
        in_seconds(value, "it")


def nothing() -> None: ...


def with_time_limit(value: Any) -> float | None:
    return Tasks().task(time_limit=value)(nothing).rules.time_limit


PLACES: dict[str, Callable[[Any], float | None]] = {
    "time_limit": with_time_limit,
    "process_in": lambda value: NewJob("it", process_in=value).delay,
    "Snooze": lambda value: Snooze(value).seconds,
    "RetryAfter": lambda value: RetryAfter(value).seconds,
    "delays": lambda value: Retry(1, delays=[value]).after(failures=1),
    "first": lambda value: Retry.exponential(1, first=value, jitter=0).after(failures=1),
    "most": lambda value: Retry.exponential(9, first=20, most=value, jitter=0).after(failures=9),
}


@pytest.mark.parametrize("place", PLACES)
def test_every_place_takes_both_and_refuses_the_rest(place: str) -> None:
    assert PLACES[place](30) == PLACES[place](HALF_A_MINUTE) == 30.0
    for value in NONSENSE:
        if value is not None:
            with pytest.raises(ConfigurationError, match=f"{place} is seconds or a timedelta"):
                PLACES[place](value)


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"process_in"}))
def test_a_negative_time_is_refused(place: str) -> None:
    with pytest.raises(ConfigurationError, match=place):
        PLACES[place](-HALF_A_MINUTE)


def test_a_job_put_in_with_a_negative_delay_is_due_now() -> None:
    assert NewJob("it", process_in=-HALF_A_MINUTE).delay == 0.0


def test_waiting_and_clocks_take_both() -> None:
    stopping = Stopping()
    assert not stopping.wait(timedelta(0))
    stopping.set("enough")
    assert stopping.wait(HALF_A_MINUTE)

    clock = Clock()
    assert clock.advance(30) + HALF_A_MINUTE == clock.advance(HALF_A_MINUTE)


def test_the_command_line_refuses_what_no_float_holds() -> None:
    assert duration("1.5m") == 90.0
    with pytest.raises(click.BadParameter, match="a duration is seconds"):
        duration("9" * 400)
