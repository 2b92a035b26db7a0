"""Who is blamed for the death of a worker: the rules, without a database."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.sql.rows import Buried, Claimed, Orphan, buried
from proletarian.worker.blame import ALONE, BESIDE, SUSPECT, Evidence, evidence, judge, wording

DEAD = Buried("vm:7", {"default": 2})


def orphan(run_id: int, *, suspect: int = 0, apart: int = 0, is_only: bool = False, queue: str = "default") -> Orphan:
    run = Claimed(f"job {run_id}", queue, "t", "{}", 0, None, None, 0, None, 0, None, suspect, None, "", None, run_id)
    return Orphan("dead", run, apart, is_only)


@pytest.mark.parametrize(
    ("orphans", "dead", "expected"),
    [
        pytest.param([orphan(1, is_only=True)], DEAD, [Evidence.ALONE], id="the only one"),
        pytest.param(
            [orphan(1, is_only=True)],
            None,
            [Evidence.LEFT],
            id="of one that somebody else has buried, or that has left",
        ),
        pytest.param([orphan(1), orphan(2)], DEAD, [Evidence.SHARED] * 2, id="as many as slots: all had begun"),
        pytest.param(
            [orphan(1, is_only=True)],
            DEAD._replace(held={"default": 2}),
            [Evidence.SHARED],
            id="the last of as many as slots, of which we have taken the others back before",
        ),
        pytest.param(
            [orphan(1, is_only=True)],
            DEAD._replace(held={"default": 3}),
            [Evidence.HELD],
            id="the last of more than slots",
        ),
        pytest.param(
            [orphan(n) for n in range(3)], DEAD, [Evidence.HELD] * 3, id="more than slots: nobody knows which"
        ),
        pytest.param(
            [orphan(1), orphan(2, queue="other")], DEAD, [Evidence.SHARED, Evidence.HELD], id="a queue without slots"
        ),
        pytest.param(
            [orphan(1, suspect=SUSPECT, apart=ALONE), *[orphan(n, suspect=SUSPECT) for n in range(2, 5)]],
            DEAD,
            [Evidence.ALONE, *[Evidence.WAITING] * 3],
            id="apart: it, and nobody else",
        ),
        pytest.param(
            [orphan(1, suspect=SUSPECT, apart=BESIDE), orphan(2)],
            DEAD,
            [Evidence.SHARED] * 2,
            id="apart, beside others",
        ),
        pytest.param([orphan(1, suspect=SUSPECT, is_only=True)], DEAD, [Evidence.WAITING], id="a suspect, not begun"),
    ],
)
def test_what_a_death_says(orphans: list[Orphan], dead: Buried | None, expected: list[Evidence]) -> None:
    assert evidence(orphans, dead) == expected


@given(st.lists(st.sampled_from([found for found in Evidence if found is not Evidence.ALONE])), st.integers(1, 5))
def test_without_a_death_alone_nobody_is_guilty(deaths: Sequence[Evidence], limit: int) -> None:
    lost = suspect = 0
    for found in deaths:
        lost, suspect, is_guilty = judge(lost, suspect, limit, found)
        assert not is_guilty
        assert lost < limit


@given(st.lists(st.sampled_from(Evidence), max_size=20), st.integers(1, 5))
def test_whatever_came_before_as_many_deaths_alone_as_the_limit_are_enough(
    deaths: Sequence[Evidence], limit: int
) -> None:
    lost = suspect = 0
    alone = 0
    for found in [*deaths, *[Evidence.ALONE] * limit]:
        lost, suspect, is_guilty = judge(lost, suspect, limit, found)
        alone += found is Evidence.ALONE
        if is_guilty:
            assert alone >= limit - 1
            break
    assert is_guilty


@given(st.lists(st.sampled_from(Evidence), max_size=20), st.integers(1, 5))
def test_a_job_whose_next_death_may_be_its_last_is_run_apart(deaths: Sequence[Evidence], limit: int) -> None:
    lost = suspect = 0
    for found in deaths:
        lost, suspect, is_guilty = judge(lost, suspect, limit, found)
        if is_guilty:
            break
        if found is not Evidence.WAITING and lost == limit - 1:
            assert suspect >= SUSPECT


def test_the_error_says_what_is_known() -> None:
    assert "vm:7 died while running it and other jobs" in str(
        wording(judge(0, 0, 3, Evidence.SHARED), Evidence.SHARED, "vm:7")
    )
    assert "died 3 times while running this job" in str(wording(judge(2, 2, 3, Evidence.ALONE), Evidence.ALONE, "vm:7"))


def test_slots_are_read_as_workers_write_them() -> None:
    rows = [("id", "vm", 7, "default=10 a b=2 x=y=3"), ("none", "vm", 8, "")]

    assert buried(rows, str) == {
        "id": Buried("vm:7", {"default": 10, "a b": 2, "x=y": 3}),
        "none": Buried("vm:8", {}),
    }
