"""How often and when a job is tried again: decisions without a clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian import ConfigurationError, Job, Retry, RetryAfter
from proletarian.kept_errors import with_error
from proletarian.outcomes import after_failure

DELAYS = st.lists(st.floats(0, 1e6), max_size=5)


@given(retries=st.integers(0, 20), delays=DELAYS, failures=st.integers(1, 30))
def test_the_last_delay_repeats_until_the_retries_are_used_up(retries: int, delays: list[float], failures: int) -> None:
    expected = None if failures > retries else ([*delays, *[delays[-1]] * 30] if delays else [0.0] * 31)[failures - 1]

    assert Retry(retries, delays).after(failures=failures) == expected


@given(jitter=st.floats(0, 1), failures=st.integers(1, 5))
def test_jitter_stays_within_its_fraction(jitter: float, failures: int) -> None:
    delay = Retry(5, delays=[10], jitter=jitter).after(failures=failures)

    assert delay is not None
    assert 10 * (1 - jitter) - 1e-9 <= delay <= 10 * (1 + jitter) + 1e-9


@given(retries=st.integers(1, 30), first=st.floats(0.01, 10), factor=st.floats(1.1, 5), most=st.floats(10, 1e5))
def test_exponential_grows_up_to_its_limit(retries: int, first: float, factor: float, most: float) -> None:
    retry = Retry.exponential(retries, first=first, factor=factor, most=most, jitter=0)
    delays = [retry.after(failures=n) for n in range(1, retries + 1)]

    assert delays[0] == first
    assert delays == sorted(delays, key=lambda delay: delay or 0)
    assert max(delay or 0 for delay in delays) <= most


@pytest.mark.parametrize(
    "arguments",
    [
        {"retries": -1},
        {"retries": 1.5},
        {"retries": True},
        {"retries": "3"},
        {"retries": 1, "delays": [-1]},
        {"retries": 1, "delays": ["soon"]},
        {"retries": 1, "delays": 5},
        {"retries": 1, "delays": [float("nan")]},
        {"retries": 1, "delays": [float("inf")]},
        {"retries": 1, "jitter": 2},
    ],
)
def test_what_cannot_be_is_refused(arguments: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError):
        Retry(**arguments)


@pytest.mark.parametrize("arguments", [{"first": 0}, {"factor": 1}, {"first": 10, "most": 5}])
def test_an_exponential_that_does_not_grow_is_refused(arguments: dict[str, float]) -> None:
    with pytest.raises(ConfigurationError, match=r"exponential needs|more than 0"):
        Retry.exponential(3, **arguments)


def test_a_retry_is_a_value() -> None:
    assert Retry(3, delays=[1, 5]) == Retry(3, delays=(1.0, 5.0))
    assert len({Retry(3, delays=[1]), Retry(3, delays=[1.0])}) == 1


def test_retry_after_wins_over_the_delay_and_not_over_the_count() -> None:
    error = RetryAfter(timedelta(seconds=30))

    assert after_failure(Retry(2, delays=[1]), Job(attempts=1), error) == (30.0, error)
    assert after_failure(Retry(2, delays=[1]), Job(attempts=3), error) == (None, error)
    assert after_failure(None, Job(attempts=99), error) == (30.0, error)


@given(st.text(max_size=200), st.integers(0, 40))
def test_the_list_of_errors_stays_bounded_and_readable(message: str, count: int) -> None:
    import json

    errors = None
    for attempt in range(1, count + 1):
        errors = with_error(errors, ValueError(message), attempt=attempt, worker="w", at=datetime.now(UTC))
    kept = json.loads(errors or "[]")

    assert len(kept) == min(count, 10)
    assert [entry["attempt"] for entry in kept] == list(range(1, count + 1))[-10:]
    assert "\0" not in (errors or "")


@pytest.mark.parametrize("broken", ["[]", '{"a": 1}', "3"])
def test_errors_of_another_shape_are_replaced(broken: str) -> None:
    import json

    [entry] = json.loads(with_error(broken, ValueError("x"), attempt=1, worker="w", at=datetime.now(UTC)))
    assert entry["message"] == "x"
