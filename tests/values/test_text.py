"""SQL with named parameters, in the forms that drivers want."""

from __future__ import annotations

import re
import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian.queue import DIALECTS
from proletarian.sql.statements import Text, blocks, read
from proletarian.sql.tables import Tables

NAMES = st.sampled_from(["queue", "job_id", "n", "now", "worker_id"])
QUOTED = st.text(alphabet='abc :%?-/*$;"', max_size=12).map(lambda text: f"'{text}'")
PIECES = st.one_of(
    NAMES.map(lambda name: f":{name} "),
    QUOTED,
    st.sampled_from([" x::text ", " = ", ", ", " % 2 ", '":quoted" ', " -- :comment 100%\n", "''':a' "]),
)


@given(st.lists(PIECES, max_size=12))
def test_only_parameters_are_replaced(pieces: list[str]) -> None:
    text = Text("".join(pieces))
    wanted = [piece[1:-1] for piece in pieces if piece.startswith(":")]
    kept = "".join(" \n" if piece.startswith(" --") else piece for piece in pieces)

    assert text.names == tuple(dict.fromkeys(wanted))
    rendered = text.pyformat % {name: f":{name}" for name in text.names}
    assert rendered == kept, "what the driver substitutes gives the source again"
    assert text.named == kept


@given(st.lists(NAMES, min_size=1, max_size=8))
def test_numbers_follow_the_order_of_names(names: list[str]) -> None:
    text = Text(" ".join(f":{name}" for name in names))
    order = list(dict.fromkeys(names))

    assert text.numbered == " ".join(f"${order.index(name) + 1}" for name in names)


@given(QUOTED)
def test_sqlite_agrees_on_what_a_string_is(quoted: str) -> None:
    text = Text(f"SELECT {quoted}, :n")

    assert sqlite3.connect(":memory:").execute(text.named, {"n": 1}).fetchone() == (quoted[1:-1], 1)


def test_blocks_are_named_once() -> None:
    for file in ("postgresql.sql", "mysql.sql", "sqlite.sql"):
        source = read(file)
        names = re.findall(r"^-- :name (\w+)$", source, flags=re.MULTILINE)

        assert len(names) == len(set(names)) == len(blocks(source))


@pytest.mark.parametrize("kind", ["uuid", "bigint", "text"])
@pytest.mark.parametrize("database", DIALECTS)
def test_chosen_names_leave_none_of_the_default_ones(database: str, kind: str) -> None:
    dialect = DIALECTS[database](Tables(prefix="app_", job="jobs", archived_job="done"), kind)  # type: ignore[arg-type]
    for name, text in dialect.sql.items():
        left = re.findall(r"\bproletarian[._](?:job|running_job|archived_job|worker)\b", text.named)

        assert left == [], name


@pytest.mark.parametrize("kind", ["uuid", "bigint", "text"])
@pytest.mark.parametrize("database", DIALECTS)
def test_every_marked_type_is_fitted(database: str, kind: str) -> None:
    dialect = DIALECTS[database](Tables(), kind)  # type: ignore[arg-type]

    assert [name for name, text in dialect.sql.items() if "/*" in text.source.replace("/*!80001", "")] == []
