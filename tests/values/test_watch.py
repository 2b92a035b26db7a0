"""Who is taken for dead: whoever's lock was seen held and then free for a second without a break."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from proletarian.sql.rows import Colleague
from proletarian.worker.watch import GRACE, Watch

SETTLING = 15.0


def look(watch: Watch, now: float, **free: bool) -> list[str]:
    """What one look at some colleagues says."""
    colleagues = [Colleague(name, lock=1, lock_free=is_free, late=False) for name, is_free in free.items()]
    return watch.dead(colleagues, free=lambda colleague: colleague.lock_free, now=now)


def test_a_lock_that_was_held_and_stays_free_means_death() -> None:
    watch = Watch(SETTLING)

    assert look(watch, 0.0, ann=False) == []
    assert look(watch, 0.5, ann=True) == []
    assert look(watch, 1.4, ann=True) == []
    assert look(watch, 1.6, ann=True) == ["ann"]


def test_a_lock_that_was_retaken_starts_anew() -> None:
    watch = Watch(SETTLING)
    look(watch, 0.0, ann=False)
    look(watch, 0.5, ann=True)
    look(watch, 1.0, ann=False)

    assert look(watch, 1.6, ann=True) == []
    assert look(watch, 2.5, ann=True) == []
    assert look(watch, 2.7, ann=True) == ["ann"]


def test_a_lock_that_was_never_seen_held_gets_longer() -> None:
    watch = Watch(SETTLING)

    assert look(watch, 0.0, ann=True) == []
    assert look(watch, 14.9, ann=True) == []
    assert look(watch, 15.1, ann=True) == ["ann"]


def test_a_new_connection_trusts_nothing_it_saw_before() -> None:
    watch = Watch(SETTLING)
    look(watch, 0.0, ann=False)
    watch.forget()

    assert look(watch, 0.1, ann=True) == []
    assert look(watch, 5.0, ann=True) == []


def test_where_a_free_lock_is_a_proof_nobody_waits() -> None:
    assert look(Watch(0.0), 0.0, ann=True) == ["ann"]


def test_without_a_lock_only_the_heartbeat_counts() -> None:
    watch = Watch(SETTLING)
    colleague = Colleague("ann", lock=None, lock_free=True, late=True)

    assert watch.dead([colleague], free=lambda _: True, now=100.0) == []


def test_one_that_is_gone_is_forgotten() -> None:
    watch = Watch(SETTLING)
    look(watch, 0.0, ann=False)
    look(watch, 0.5, ann=True)
    look(watch, 1.0)

    assert look(watch, 5.0, ann=True) == []


@given(st.lists(st.tuples(st.floats(0.01, 2.0), st.booleans()), max_size=40))
def test_nobody_is_dead_without_a_second_of_silence(looks: list[tuple[float, bool]]) -> None:
    watch, now, free_since = Watch(SETTLING), 0.0, None
    for passed, is_free in looks:
        now += passed
        free_since = (now if free_since is None else free_since) if is_free else None
        if look(watch, now, ann=is_free):
            assert free_since is not None
            assert now - free_since >= GRACE
