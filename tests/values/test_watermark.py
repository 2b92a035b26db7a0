"""Where a claim may begin, and when it has to look at everything."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from proletarian.sql.rows import Claimed
from proletarian.worker.watermark import FULL_EVERY, Watermark

NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 (it is only compared)


def jobs(*times: tuple[int, int]) -> list[Claimed]:
    """Claimed jobs of (priority, minute)."""
    return [
        Claimed("id", "mail", "send", "{}", 0, None, NOON + timedelta(minutes=minute), priority, None, 0, None, 1)
        for priority, minute in times
    ]


def after_a_full_claim(*times: tuple[int, int], **options: Any) -> Watermark:
    mark = Watermark()
    mark.claimed(jobs(*times), **{"full": True, "short": False, "took": 0.01, "now": 0.0, **options})
    return mark


def test_the_first_claim_looks_at_everything() -> None:
    assert Watermark().wants_full(0.0)


def test_each_priority_goes_on_from_its_latest_job() -> None:
    mark = after_a_full_claim((0, 1), (5, 4), (0, 3), (5, 2))

    assert mark.marks == {0: NOON + timedelta(minutes=3), 5: NOON + timedelta(minutes=4)}
    assert not mark.wants_full(0.1)


def test_a_full_claim_comes_at_least_once_a_second() -> None:
    mark = after_a_full_claim((0, 1))

    assert not mark.wants_full(FULL_EVERY - 0.01)
    assert mark.wants_full(FULL_EVERY)


def test_when_the_short_way_brings_too_little_everything_is_looked_at() -> None:
    mark = after_a_full_claim((0, 1))
    mark.claimed([], full=False, short=True, took=0.001, now=0.1)

    assert mark.wants_full(0.1)


def test_a_full_claim_that_was_dear_is_not_repeated_at_once() -> None:
    mark = after_a_full_claim((0, 1), short=True, took=0.02)
    mark.ask()

    assert not mark.wants_full(0.1)
    assert mark.wants_full(0.5)


def test_what_was_put_back_asks_for_a_full_claim() -> None:
    mark = after_a_full_claim((0, 1))
    mark.ask()

    assert mark.wants_full(0.01)
