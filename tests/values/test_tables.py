"""The names of the tables, which become part of SQL."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian import ConfigurationError, Tables


@pytest.mark.parametrize(
    ("tables", "database", "name"),
    [
        (Tables(), "postgresql", "proletarian.job"),
        (Tables(), "mysql", "proletarian_job"),
        (Tables(), "sqlite", "proletarian_job"),
        (Tables(prefix="app."), "postgresql", "app.job"),
        (Tables(prefix="app_"), "postgresql", "app_job"),
        (Tables(prefix="app_", job="queue.jobs"), "postgresql", "queue.jobs"),
    ],
)
def test_names_follow_from_prefix_and_choice(tables: Tables, database: str, name: str) -> None:
    assert tables.name("job", database) == name


@given(st.text(min_size=1, max_size=30))
def test_nothing_but_a_name_gets_through(text: str) -> None:
    try:
        tables = Tables(prefix=text)
    except ConfigurationError:
        return

    assert set(text) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.$")
    assert tables.name("job", "sqlite") == f"{text}job"


@pytest.mark.parametrize(
    "name", ["jobs; DROP TABLE users", 'a"b', "a b", "1st", "a.b.c", "", "a'", "a--b", "a\nb", "job\n", "é"]
)
def test_a_name_that_could_be_anything_else_is_refused(name: str) -> None:
    if name:
        with pytest.raises(ConfigurationError, match="cannot name a table"):
            Tables(job=name)
    with pytest.raises(ConfigurationError, match="cannot name a table"):
        Tables(prefix=f"{name} ")


def test_a_name_that_would_be_cut_off_is_refused() -> None:
    for names in ({"prefix": "a" * 40}, {"job": "a" * 64}, {"archived_job": f"{'a' * 32}.{'b' * 31}"}):
        with pytest.raises(ConfigurationError, match="and 63 can name a table"):
            Tables(**names)
    Tables(prefix="a" * 39, job="a" * 63)
