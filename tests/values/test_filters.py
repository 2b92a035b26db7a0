"""One filter in two forms: a value, and a text whose errors point at the word."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.errors import FilterError
from proletarian.filters import STATES, JobFilter, moment

words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
several = st.lists(words, min_size=1, max_size=3)
paths = st.from_regex(r"[a-z_][a-z0-9_]{0,8}(\.[a-z0-9_]{1,5}){0,2}", fullmatch=True)
values = st.none() | st.booleans() | st.integers(-(2**60), 2**60) | words
ago = st.integers(0, 10**7).map(lambda seconds: timedelta(seconds=seconds))
instants = st.datetimes(timezones=st.just(UTC))
filters = st.builds(
    JobFilter,
    queue=st.none() | several,
    job_type=st.none() | several,
    state=st.none() | st.lists(st.sampled_from(STATES), min_size=1, max_size=3),
    tag=st.none() | several,
    payload=st.dictionaries(paths, values, max_size=3),
    error=st.none() | words,
    worker=st.none() | words,
    lane=st.none() | several,
    job_id=st.none() | several,
    since=st.none() | ago | instants,
    until=st.none() | ago | instants,
)


@given(filters)
def test_the_text_of_a_filter_means_that_filter(filter_: JobFilter) -> None:
    assert JobFilter.parse(str(filter_)) == filter_


def test_a_filter_of_nothing_means_every_job() -> None:
    assert not JobFilter.parse("  ")
    assert not JobFilter()
    assert JobFilter(queue="mail")


def test_every_key_can_be_read() -> None:
    text = (
        'queue:mail,bulk type:send_* state:failed,cancelled tag:vip payload.user.id:42 error:"timed out" '
        "worker:web1 lane:smtp:* id:17 since:7d until:2026-11-28T09:00Z"
    )

    assert JobFilter.parse(text) == JobFilter(
        queue=["mail", "bulk"],
        job_type="send_*",
        state=["failed", "cancelled"],
        tag="vip",
        payload={"user.id": 42},
        error="timed out",
        worker="web1",
        lane="smtp:*",
        job_id="17",
        since=timedelta(days=7),
        until=datetime(2026, 11, 28, 9, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("text", "word", "why"),
    [
        ("queue:mail stat:failed", "stat:failed", "did you mean state?"),
        ("state:faild", "state:faild", "did you mean failed?"),
        ("queue:mail mail", "mail", "not have the form key:value"),
        ("queue:", "queue:", "not have the form key:value"),
        ("queue:a,", "queue:a,", "not have the form key:value"),
        ('error:"timed out', 'error:"timed', "its quotes are not closed"),
        ("since:yesterday", "since:yesterday", "is not a time"),
        ("queue:a type:b queue:c", "queue:c", "given twice"),
        ("payload.a:1 payload.a:2", "payload.a:2", "given twice"),
    ],
)
def test_an_error_points_at_the_word(text: str, word: str, why: str) -> None:
    with pytest.raises(FilterError) as caught:
        JobFilter.parse(text)

    reason, line, marks = str(caught.value).split("\n")
    start = marks.index("^")
    assert why in reason
    assert line[start : start + marks.count("^")].startswith(word)
    assert start - 4 == text.rindex(word)


@pytest.mark.parametrize(
    "wrong",
    [
        {"queue": ""},
        {"queue": []},
        {"queue": 7},
        {"state": "lost"},
        {"error": ""},
        {"payload": {"": 1}},
        {"payload": {"a": [1]}},
        {"since": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"since": "1h"},
        {"until": timedelta(hours=-1)},
    ],
)
def test_what_cannot_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(FilterError):
        JobFilter(**wrong)


def test_an_age_counts_back_from_now() -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)

    assert moment(timedelta(minutes=90), now) == moment(5400, now) == datetime(2026, 11, 28, 10, 30, tzinfo=UTC)
    assert moment(now, datetime.now(UTC)) == now
