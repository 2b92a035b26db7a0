"""What is done about ticks that were missed: a table for each policy, and clocks that jump."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian import ConfigurationError, NewJob, Unique
from proletarian.schedule import COUNTED, MOST, due, schedule
from proletarian.times.ticks import timing

NOON = datetime(2026, 11, 28, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("missed", "late", "fired", "dropped"),
    [
        ("skip", timedelta(0), [0], 0),
        ("skip", timedelta(seconds=60), [0], 0),
        ("skip", timedelta(seconds=61), [], 1),
        ("skip", 3 * HOUR, [3], 3),
        ("skip", 3.5 * HOUR, [], 4),
        ("once", timedelta(0), [0], 0),
        ("once", 0.5 * HOUR, [0], 0),
        ("once", 3.5 * HOUR, [3], 3),
        ("once", 10_000 * HOUR, [10_000], COUNTED - 1),
        ("all", timedelta(0), [0], 0),
        ("all", 3.5 * HOUR, [0, 1, 2, 3], 0),
        ("all", 150 * HOUR, list(range(51, 151)), 51),
    ],
)
@pytest.mark.parametrize("each_hour", [timing(HOUR), timing("@hourly")], ids=str)
def test_each_policy(each_hour: object, missed: str, late: timedelta, fired: list[int], dropped: int) -> None:
    found = due(each_hour, missed, NOON, NOON + late)  # type: ignore[arg-type]

    assert [(tick - NOON) // HOUR for tick in found.ticks] == fired
    assert found.dropped == dropped
    assert found.last <= NOON + late < found.next_at == found.last + HOUR


@given(
    st.sampled_from(["skip", "once", "all"]),
    st.lists(st.integers(-40, 40) | st.sampled_from([-100_000, 100_000]), max_size=30),
)
def test_no_jump_of_the_clock_fires_a_tick_again_or_a_flood(missed: str, jumps: list[int]) -> None:
    """The clock goes by any number of minutes, back and forth; the schedule is looked at after each jump."""
    quarters = timing("*/15 * * * *", "Europe/Warsaw")
    now, tick, fired = NOON, quarters.next_after(NOON), []
    for jump in jumps:
        now += timedelta(minutes=jump)
        if tick <= now:
            found = due(quarters, missed, tick, now)
            assert len(found.ticks) <= (MOST if missed == "all" else 1)
            fired += found.ticks
            tick = found.next_at

    assert fired == sorted(set(fired))


@given(st.lists(st.integers(0, 60), max_size=30))
def test_all_of_them_leaves_out_none(steps: list[int]) -> None:
    quarters = timing("*/15 * * * *", "Australia/Lord_Howe")
    now, first = NOON, quarters.next_after(NOON)
    tick, fired = first, []
    for step in steps:
        now += timedelta(minutes=step)
        if tick <= now:
            found = due(quarters, "all", tick, now)
            fired += found.ticks
            tick = found.next_at

    assert fired == list(quarters.between(NOON, now))


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"job": lambda: None}, "enqueues a NewJob"),
        ({"name": " x"}, "a schedule has a name of 1 to 191 characters"),
        ({"missed": "never"}, "missed is 'skip', 'once' or 'all'"),
        ({"job": NewJob("sync", process_in=5)}, "its job cannot have process_in"),
        ({"job": NewJob("sync", process_at=NOON)}, "its job cannot have process_at"),
        ({"job": NewJob("sync", job_id="7")}, "its job cannot have job_id"),
        ({"job": NewJob("sync", unique=Unique(on_conflict="raise"))}, "at a tick there is nobody to catch the error"),
        ({"job": NewJob("sync", unique=Unique("shop"))}, "is unique by 'shop', but its payload has no such parameter"),
        ({"when": "@reboot"}, "@reboot"),
    ],
)
def test_what_cannot_be_is_refused(options: dict[str, object], told: str) -> None:
    given_options: dict[str, object] = {"when": HOUR, "job": NewJob("sync"), **options}
    with pytest.raises(ConfigurationError, match=told):
        schedule(given_options.pop("when"), given_options.pop("job"), **given_options)  # type: ignore[arg-type]


def test_it_is_named_after_its_job_unless_it_has_a_name() -> None:
    assert schedule(HOUR, NewJob("sync")).name == "sync"
    assert schedule(HOUR, NewJob("sync"), name="each hour").name == "each hour"
