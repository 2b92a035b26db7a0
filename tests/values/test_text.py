"""SQL with named parameters, in the forms that drivers want."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

import proletarian.sql
from proletarian.ids import Kind
from proletarian.sql.dialect import Dialect
from proletarian.sql.dialects import DIALECTS
from proletarian.sql.parts import blocks
from proletarian.sql.statements import Text
from proletarian.sql.tables import TABLES, Tables

SQL = Path(proletarian.sql.__file__).parent
FILES = [file for database in DIALECTS for file in sorted((SQL / database).glob("*.sql"))]
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

    with closing(sqlite3.connect(":memory:")) as connection:
        assert connection.execute(text.named, {"n": 1}).fetchone() == (quoted[1:-1], 1)


@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_blocks_are_named_once(file: Path) -> None:
    source = file.read_text()
    named = re.findall(r"^-- :(?:name|part) (\w+)$", source, flags=re.MULTILINE)
    statements = re.findall(r"^-- :name (\w+)$", source, flags=re.MULTILINE)

    assert len(named) == len(set(named))
    assert list(blocks(source, dialect(file.parent.name).parts)) == statements


def test_each_topic_is_there_for_every_database() -> None:
    topics = {database: {file.stem for file in FILES if file.parent.name == database} for database in DIALECTS}

    assert topics["postgresql"] - topics["mysql"] == topics["postgresql"] - topics["sqlite"] == {"waking"}
    assert topics["mysql"] - topics["postgresql"] == {"session"}
    assert topics["sqlite"] <= topics["postgresql"]


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_chosen_names_leave_none_of_the_default_ones(file: Path, kind: Kind) -> None:
    for name, text in texts(file, kind, Tables(prefix="app_", job="jobs", archived_job="done")).items():
        left = re.findall(rf"\bproletarian[._](?:{'|'.join(TABLES)})\b", text.named)

        assert left == [], name


@pytest.mark.parametrize("kind", get_args(Kind))
@pytest.mark.parametrize("file", FILES, ids=lambda file: f"{file.parent.name}-{file.stem}")
def test_every_part_is_put_in(file: Path, kind: Kind) -> None:
    for name, text in texts(file, kind).items():
        assert re.findall(r"(?<!:):[A-Z]\w*", text.source) == [], name


def test_a_statement_that_is_not_there_is_a_key_error() -> None:
    with pytest.raises(KeyError, match=r"claiming\.nothing"):
        dialect("sqlite").say("claiming.nothing")


def dialect(database: str, kind: Kind = "uuid", tables: Tables | None = None) -> Dialect:
    return DIALECTS[database](tables or Tables(), kind)


def texts(file: Path, kind: Kind, tables: Tables | None = None) -> dict[str, Text]:
    made = dialect(file.parent.name, kind, tables)
    topic = file.stem
    return {block: made.sql[f"{topic}.{block}"] for block in blocks(file.read_text(), made.parts)}
