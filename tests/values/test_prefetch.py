"""How many jobs a worker holds: little of what is long, much of what is short."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.worker.claiming.prefetch import BYTES, MOST, Prefetch


def held_at_most(slots: int, seconds: float, *, runs: int = 400, spread: float = 0.0) -> int:
    """Play a worker whose jobs take so many seconds, more or less; the most jobs that it ever held."""
    prefetch = Prefetch(slots)
    now, ended, busy, waiting = 0.0, 0, 0.0, 0
    running: list[float] = []  # when each will end
    most = 0
    while ended < runs:
        prefetch.observe(ended, busy, len(running) + waiting, now)
        waiting += prefetch.want(len(running) + waiting)
        most = max(most, len(running) + waiting)
        while waiting and len(running) < slots:
            waiting -= 1
            running.append(now + seconds * (1 + spread * len(running) / slots))
        now = min(running)
        done = [end for end in running if end <= now + 1e-9]
        running = [end for end in running if end > now + 1e-9]
        ended += len(done)
        busy += seconds * len(done)
    return most


@pytest.mark.parametrize("slots", [1, 5, 50])
@pytest.mark.parametrize("seconds", [0.2, 1.0, 60.0])
def test_long_jobs_are_not_hoarded(slots: int, seconds: float) -> None:
    """Not even when all slots end in the same moment, which looks like a high rate."""
    assert held_at_most(slots, seconds) <= slots + 2 * slots * 0.05 / seconds + 1


def test_short_jobs_come_in_large_batches() -> None:
    assert held_at_most(10, 0.0001, runs=50_000, spread=0.5) >= 500


def test_one_that_is_always_done_before_the_next_claim_gets_more() -> None:
    """As two workers on a quick server do: their hands are empty whenever they claim."""
    prefetch = Prefetch(10)
    now, ended, wants = 0.0, 0, []
    for _ in range(10):
        prefetch.observe(ended, ended * 1e-5, 0, now)
        wants.append(prefetch.want(0))
        now, ended = now + 0.008, ended + wants[-1]

    assert wants[-1] == MOST


def test_a_rate_of_the_past_ends_with_the_first_long_jobs() -> None:
    prefetch = Prefetch(10)
    prefetch.observe(0, 0.0, 10, 0.0)
    prefetch.observe(10_000, 1.0, 10, 1.0)
    before = prefetch.want(0)
    for second in range(2, 20):  # one job of a second at a time, and none in hand when it looks
        prefetch.observe(9_998 + second, float(second) - 1, 0, float(second))

    assert before == MOST
    assert prefetch.want(0) <= 12


def at_full_speed(slots: int = 10) -> Prefetch:
    prefetch = Prefetch(slots)
    prefetch.observe(0, 0.0, 10, 0.0)
    prefetch.observe(10_000, 1.0, 10, 1.0)
    assert prefetch.want(0) == MOST
    return prefetch


def test_large_payloads_are_not_hoarded_however_fast_they_are() -> None:
    prefetch = at_full_speed()
    prefetch.weigh([1_000_000])

    assert prefetch.want(0) == BYTES // 1_000_000
    assert prefetch.want(BYTES // 1_000_000) == 0


def test_slots_are_filled_whatever_the_payloads_weigh_but_not_in_one_claim() -> None:
    prefetch = Prefetch(100)
    prefetch.weigh([1_000_000])

    assert prefetch.want(0) == BYTES // 1_000_000
    assert prefetch.want(96) == 4


def test_one_job_is_always_wanted() -> None:
    prefetch = Prefetch(1)
    prefetch.weigh([10 * BYTES])

    assert (prefetch.want(0), prefetch.want(1)) == (1, 0)


def test_a_few_large_ones_are_forgotten_soon() -> None:
    prefetch = at_full_speed()
    prefetch.weigh([1_000_000] * 10)
    wants = []
    for _ in range(8):
        prefetch.weigh([100] * 10)
        wants.append(prefetch.want(0))

    assert wants == sorted(wants)
    assert wants[-1] == MOST


@given(
    st.integers(1, 100), st.lists(st.tuples(st.integers(0, 5000), st.floats(0, 1), st.floats(0.001, 1)), max_size=30)
)
def test_the_want_is_never_absurd(slots: int, observations: list[tuple[int, float, float]]) -> None:
    prefetch = Prefetch(slots)
    ended, busy, now = 0, 0.0, 0.0
    for count, took, passed in observations:
        ended, busy, now = ended + count, busy + took, now + passed
        prefetch.observe(ended, busy, slots, now)

        assert 0 <= prefetch.want(0) <= max(MOST, slots)
        assert prefetch.want(10**6) == 0
        assert prefetch.want(0) >= min(slots, MOST)
