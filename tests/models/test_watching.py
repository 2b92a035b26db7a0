"""
A worker is judged by its witnesses: every course of events is tried, in steps of a quarter second.

Whoever lives is never declared dead, though one of its sessions is killed and comes back late, or the
server restarts and everybody has to come back. Whoever has died is found in time.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import pytest

from proletarian.sql.rows import Peer
from proletarian.worker.keeping.watch import GRACE, Watch

STEP = 0.25  # seconds
SETTLING = 1.5  # instead of 15 s, so that all courses can be tried
STEPS = 8
ANN = Peer("ann", "host", 1, seen_at=0, silent=0.0, lost_after=60.0, locks=(1, 2), free=(False, False))

# What happens in a step. "keeper", "pump": that session of Ann's is killed; "restart": so are all, and
# we see nothing until we have connected again; "away": we do not come to look in this step.
EVENTS = ("", "keeper", "pump", "restart", "away")
SLOWLY = 1.25  # seconds until a session that was killed is back, longer than the grace
RESTARTED = SETTLING - STEP  # the latest that Ann is back after a restart


def declared_dead(events: Sequence[str], *, dies_at: int | None = None) -> float | None:
    """When Ann was declared dead, in seconds; None if never."""
    watch, free_until = Watch(SETTLING, patience=5.0), [0.0, 0.0]
    for number, event in enumerate((*events, *[""] * 12)):
        now = number * STEP
        if event in ("keeper", "pump"):
            which = event == "pump"
            free_until[which] = max(free_until[which], now + SLOWLY)
        if event == "restart":
            free_until = [max(until, now + RESTARTED) for until in free_until]
            watch.reconnected()
            continue
        is_dead = dies_at is not None and number >= dies_at
        free = [is_dead or now < until for until in free_until]
        if event != "away" and watch.dead([ANN], free=lambda _, free=free: free, now=now, pause=STEP):  # type: ignore[misc]
            return now
    return None


def courses() -> list[tuple[str, ...]]:
    """
    All in which no fault happens while she is still coming back from another.

    Both of her sessions killed within the time that one takes to come back look like a death, and so
    do restarts in such quick succession that nobody gets through: more than is promised.
    """
    found = []
    for events in itertools.product(EVENTS, repeat=STEPS):
        busy_until, is_fair = 0, True
        for number, event in enumerate(events):
            if event in ("", "away"):
                continue
            is_fair &= number >= busy_until
            # One step more, in which she is seen; "away" may take it, so a free look has to follow.
            busy_until = number + round((RESTARTED if event == "restart" else SLOWLY) / STEP) + 1
            while busy_until < STEPS and events[busy_until - 1] == "away":
                busy_until += 1
        if is_fair:
            found.append(events)
    return found


def test_a_live_worker_is_never_declared_dead() -> None:
    all_courses = courses()
    wrong = [events for events in all_courses if declared_dead(events) is not None]

    assert wrong == []
    assert len(all_courses) > 1000


@pytest.mark.parametrize("dies_at", [0, 3, STEPS])
def test_a_dead_worker_is_found_in_time(dies_at: int) -> None:
    limit = SETTLING + (STEPS + 1) * STEP  # after the last event nothing stands in the way
    late = [
        events
        for events in courses()
        if (declared_dead(events, dies_at=dies_at) or 1e9) > max(dies_at, 0) * STEP + limit
    ]

    assert late == []


def test_who_was_seen_is_missed_within_the_grace() -> None:
    assert declared_dead([""] * 4, dies_at=4) == 4 * STEP + GRACE


def test_a_death_is_found_though_we_are_cut_off_again_and_again() -> None:
    """Each time before we would have made up our mind: what was seen adds up."""
    flapping = ["restart", "", "", ""] * 10

    assert (declared_dead(flapping, dies_at=0) or 1e9) <= 3 * SETTLING


def test_a_lock_that_is_seen_held_again_has_not_been_free_since_before() -> None:
    quiet = [""] * round(2 * SLOWLY / STEP)

    assert declared_dead(["keeper", *quiet, "pump", *quiet, "restart", *quiet, "keeper"]) is None
