"""
A colleague is judged by its lock: every course of events is tried, in steps of a quarter second.

Whoever lives is never declared dead, though its session is killed or the server restarted,
as long as it is back in time. Whoever has died is found in time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from proletarian.sql.rows import Colleague
from proletarian.worker.watch import GRACE, Watch

STEP = 0.25  # seconds
SETTLING = 2.0  # instead of 15 s, so that all courses can be tried
STEPS = 9
ANN = Colleague("ann", lock=1, lock_free=False, late=False)

# What happens in a step. "cut": Ann's session is killed; "restart": so are all, and we see
# nothing until we have connected again; "away": we do not come to look in this step.
EVENTS = ("", "cut", "restart", "away")
BACK_AFTER = {"cut": GRACE - STEP, "restart": SETTLING - STEP}  # the latest that she takes her lock again


def declared_dead(events: Sequence[str], *, dies_at: int | None = None) -> float | None:
    """When Ann was declared dead, in seconds; None if never."""
    watch, free_until = Watch(SETTLING), 0.0
    for number, event in enumerate((*events, *[""] * 12)):
        now = number * STEP
        if event in BACK_AFTER:
            free_until = max(free_until, now + BACK_AFTER[event])
        if event == "restart":
            watch.forget()
            continue
        is_free = now < free_until or (dies_at is not None and number >= dies_at)
        if event != "away" and watch.dead([ANN], free=lambda _, is_free=is_free: is_free, now=now):  # type: ignore[misc]
            return now
    return None


def courses() -> list[tuple[str, ...]]:
    """
    All in which one session is killed at the most, and not while all are still coming back.

    Two faults in the time that one is given are more than is promised: a lock that was not seen
    to be held between them has been free since the first.
    """
    found = []
    for events in itertools.product(EVENTS, repeat=STEPS):
        cuts = [number for number, event in enumerate(events) if event == "cut"]
        window = events[max(0, cuts[0] - round(SETTLING / STEP)) : cuts[0]] if cuts else ()
        if len(cuts) <= 1 and "restart" not in window:
            found.append(events)
    return found


def test_who_lives_is_never_declared_dead() -> None:
    wrong = [events for events in courses() if declared_dead(events) is not None]

    assert wrong == []


@pytest.mark.parametrize("dies_at", [0, 3, STEPS])
def test_who_has_died_is_found_in_time(dies_at: int) -> None:
    limit = SETTLING + (STEPS + 1) * STEP  # after the last event nothing stands in the way
    late = [
        events
        for events in courses()
        if (declared_dead(events, dies_at=dies_at) or 1e9) > max(dies_at, 0) * STEP + limit
    ]

    assert late == []


def test_whose_lock_was_seen_held_is_missed_within_the_grace() -> None:
    assert declared_dead([""] * 4, dies_at=4) == 4 * STEP + GRACE


def test_a_lock_that_is_seen_held_again_has_not_been_free_since_before() -> None:
    quiet = [""] * round(2 * GRACE / STEP)

    assert declared_dead(["cut", *quiet, "cut", *quiet, "cut"]) is None
