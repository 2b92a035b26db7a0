"""Where a claim may begin, and when it has to look at everything."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from typing import Any

import pytest

from proletarian.sql.rows import Claimed
from proletarian.worker.claiming.watermark import FULL_EVERY, Watermark

NOON = datetime(2026, 3, 1, 12)  # noqa: DTZ001 (it is only compared)


def jobs(*times: tuple[int, int]) -> list[Claimed]:
    """Claimed jobs of (priority, minute)."""
    return [
        Claimed(
            "id",
            "mail",
            "send",
            "{}",
            0,
            None,
            NOON + timedelta(minutes=minute),
            priority,
            None,
            0,
            None,
            0,
            None,
            "",
            None,
            1,
        )
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


def test_the_short_way_asks_for_nothing_by_itself() -> None:
    """Whether there was reason to expect more, the watermark cannot know: the rhythm asks."""
    mark = after_a_full_claim((0, 1))
    mark.claimed([], full=False, short=True, took=0.001, now=0.1)

    assert not mark.wants_full(0.1)
    assert mark.due_at() == inf


def test_the_caller_says_from_when_on() -> None:
    mark = after_a_full_claim((0, 1))
    mark.ask(0.3)
    mark.ask(0.4)

    assert (mark.wants_full(0.29), mark.wants_full(0.3), mark.due_at()) == (False, True, 0.3)


def test_a_full_look_answers_all_who_asked() -> None:
    mark = after_a_full_claim((0, 1))
    mark.ask(0.3)
    mark.claimed([], full=True, short=True, took=0.001, now=0.2)

    assert mark.due_at() == inf


def test_a_full_look_that_was_dear_is_not_repeated_at_once() -> None:
    mark = after_a_full_claim((0, 1), short=True, took=0.02)
    mark.ask(0.1)

    assert not mark.wants_full(0.1)
    assert mark.wants_full(0.1, at_any_cost=True)
    assert mark.wants_full(0.5)
    assert mark.due_at() == pytest.approx(0.4)


def test_who_is_idle_looks_at_everything_as_far_as_that_is_affordable() -> None:
    mark = after_a_full_claim((0, 1), short=True, took=0.02)

    assert [mark.wants_full(now, idle=True) for now in (0.1, 0.5)] == [False, True]


def test_a_look_without_a_mark_does_the_same() -> None:
    mark = after_a_full_claim(short=True, took=0.02)

    assert [mark.wants_full(now) for now in (0.1, 0.5)] == [False, True]
