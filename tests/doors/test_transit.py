"""Transit: held to what another implementation wrote, and to what it gives back."""

from __future__ import annotations

import base64
import contextlib
import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proletarian.errors import PayloadError, UnreadablePayload
from proletarian.transit import URI, Char, FrozenMap, Keyword, Symbol, TaggedValue, TransitSerializer, Vector
from proletarian.transit.writer import EPOCH

DATA = Path(__file__).parent / "data" / "transit_golden.jsonl"
GOLDEN = [json.loads(line) for line in DATA.read_text(encoding="utf-8").strip().split("\n")]
transit = TransitSerializer()


def meaning(value: Any) -> Any:
    """A decoded value, as the golden data says it."""
    if value is None or isinstance(value, bool):
        return value
    for kind, sign in ((Symbol, "y"), (Char, "c"), (URI, "r"), (Keyword, "k")):
        if type(value) is kind:
            return {sign: str(value)}
    if isinstance(value, str):
        return {"s": value}
    if isinstance(value, int):
        return {"num": str(value)}
    if isinstance(value, float):
        if not math.isfinite(value):
            return {"num": "NaN" if math.isnan(value) else "INF" if value > 0 else "-INF"}
        return {"num": re.sub(r"e([+-])0*(\d)", r"e\1\2", f"{value:.16e}")}
    if isinstance(value, Decimal):
        return {"f": str(value)}
    if isinstance(value, datetime):
        return {"m": (value - EPOCH) // timedelta(milliseconds=1)}
    if isinstance(value, UUID):
        return {"u": str(value)}
    if isinstance(value, bytes):
        return {"b": base64.b64encode(value).decode()}
    if isinstance(value, (list, Vector)):
        return {"v": [meaning(item) for item in value]}
    if isinstance(value, tuple):
        return {"l": [meaning(item) for item in value]}
    if isinstance(value, (set, frozenset)):
        return {"set": in_order(meaning(item) for item in value)}
    if isinstance(value, Mapping):
        return {"map": in_order([meaning(key), meaning(item)] for key, item in value.items())}
    if isinstance(value, Fraction):
        return {"tag": "ratio", "rep": {"v": [meaning(value.numerator), meaning(value.denominator)]}}
    assert isinstance(value, TaggedValue)
    return {"tag": value.tag, "rep": meaning(value.rep)}


def in_order(items: Any) -> list[Any]:
    return sorted(items, key=lambda item: json.dumps(item, sort_keys=True, separators=(",", ":")))


def golden_meaning(value: Any) -> Any:
    """The golden meaning with its sets and maps in our order."""
    if isinstance(value, list):
        return [golden_meaning(item) for item in value]
    if isinstance(value, dict):
        said = {sign: golden_meaning(rest) for sign, rest in value.items()}
        return {sign: in_order(rest) if sign in ("set", "map") else rest for sign, rest in said.items()}
    return value


def test_the_golden_data_is_whole() -> None:
    assert len(GOLDEN) == 63
    assert sum("raw" in line for line in GOLDEN) == 11


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["meaning"][:60])
def test_golden_texts_are_decoded(line: dict[str, Any]) -> None:
    assert meaning(transit.decode(line["transit"])) == golden_meaning(line["value"])


@pytest.mark.parametrize("line", GOLDEN, ids=lambda line: line["meaning"][:60])
def test_golden_values_come_back(line: dict[str, Any]) -> None:
    value = transit.decode(line["transit"])

    assert meaning(transit.decode(transit.encode(value))) == golden_meaning(line["value"])


# The same value may be written in two ways: numbers, or what only readers have to know.
OTHERWISE = ("big integers ~n", "floats 1.5", "instants ~t", "instant ~t", "instant as a tagged", "verbose")


@pytest.mark.parametrize(
    "line",
    [line for line in GOLDEN if not any(words in line["meaning"] for words in OTHERWISE)],
    ids=lambda line: line["meaning"][:60],
)
def test_golden_texts_are_written_letter_by_letter(line: dict[str, Any]) -> None:
    text = transit.encode(transit.decode(line["transit"]))

    assert json.loads(text) == json.loads(line["transit"]) or "set" in json.dumps(line["value"])


# Whatever goes in comes out.

texts = st.text(max_size=12) | st.sampled_from(["~a", "^", "^ ", "`", "~", "~#", "~:x", "^0", "abcd", "~~", ""])
moments = st.datetimes(
    min_value=datetime(1, 1, 2),  # noqa: DTZ001
    max_value=datetime(9999, 12, 30),  # noqa: DTZ001
    timezones=st.just(UTC),
).map(lambda moment: moment.replace(microsecond=moment.microsecond // 1000 * 1000))
simple = (
    st.none()
    | st.integers()
    | st.floats(allow_nan=False)
    | texts
    | st.builds(Keyword, st.text("abcde", min_size=1, max_size=8))
    | st.builds(Symbol, st.text("abcde", min_size=1, max_size=8))
    | st.uuids()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.binary(max_size=8)
    | moments
)
keys = st.text("abcdef^~`", max_size=6) | st.uuids() | moments | st.tuples(st.uuids(), st.uuids())
values = st.recursive(
    simple | st.booleans(),
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.lists(inner, max_size=3).map(tuple)
        | st.dictionaries(keys, inner, max_size=5)
        | st.sets(st.uuids() | st.text("ab~^", max_size=5), max_size=4)
        | st.builds(TaggedValue, st.just("point"), inner)
    ),
    max_leaves=25,
)


@settings(deadline=None)
@given(values)
def test_what_is_written_is_read(value: Any) -> None:
    assert meaning(transit.decode(transit.encode(value))) == meaning(value)


@pytest.mark.parametrize("different", [1935, 1936, 1937, 2500, 5000])
def test_codes_agree_when_they_start_again(different: int) -> None:
    words = [Keyword(f"word{n * n % different}") for n in range(12_000)]
    words += [Keyword(f"word{n}") for n in range(different)] * 2

    assert transit.decode(transit.encode(words)) == words


def test_a_sign_beyond_the_first_plane_counts_twice_as_in_java() -> None:
    assert transit.encode([{"ab😀": 1}, {"ab😀": 2}]) == '[["^ ","ab😀",1],["^ ","^0",2]]'
    assert transit.encode([{"abé": 1}, {"abé": 2}]) == '[["^ ","abé",1],["^ ","abé",2]]'


def second_opinion(value: Any) -> Any:
    """A value of ours as transit-python has it."""
    from transit import transit_types as theirs

    if isinstance(value, Keyword):
        return {Keyword: theirs.Keyword, Symbol: theirs.Symbol}[type(value)](str(value))
    if isinstance(value, bool):
        return theirs.true if value else theirs.false
    if isinstance(value, list):
        return tuple(second_opinion(item) for item in value)
    if isinstance(value, dict):
        return theirs.frozendict({second_opinion(key): second_opinion(item) for key, item in value.items()})
    return value


# In ASCII: it takes the length of a short key in bytes, where Java and JavaScript count characters.
plain = st.text(st.characters(codec="ascii"), max_size=12)
shared = st.recursive(
    st.none() | st.integers() | plain | st.builds(Keyword, st.text("abcde", min_size=1, max_size=8)) | st.uuids(),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(plain, inner, max_size=6),
    max_leaves=30,
)


@settings(deadline=None)
@given(shared)
def test_another_reader_reads_what_we_write(value: Any) -> None:
    from io import StringIO

    from transit.reader import Reader

    assert Reader("json").read(StringIO(transit.encode(value))) == second_opinion(value)


@settings(deadline=None)
@given(shared)
def test_we_read_what_another_writer_writes(value: Any) -> None:
    from io import StringIO

    from transit.writer import Writer

    text = StringIO()
    Writer(text, "json").write(second_opinion(value))

    assert meaning(transit.decode(text.getvalue())) == meaning(value)


# What it is like to use.


def test_keywords_are_found_by_their_text() -> None:
    payload = transit.decode('["^ ","~:account-id",42]')

    assert payload["account-id"] == 42
    assert type(payload) is dict
    assert payload == {Keyword("account-id"): 42}


def test_keys_can_be_written_as_keywords() -> None:
    said = TransitSerializer(keyword_keys=True).encode({"account_id": {"to": "~x"}, Symbol("s"): [1]})

    assert said == '["^ ","~:account_id",["^ ","~:to","~~x"],"~$s",[1]]'


def test_lists_and_vectors_are_told_apart() -> None:
    assert transit.decode('[["~#list",[1]],[1]]') == [(1,), [1]]
    assert transit.encode([(1,), [1]]) == '[["~#list",[1]],[1]]'


def test_composite_keys_are_frozen() -> None:
    payload = transit.decode('["~#cmap",[["^ ","~:aa",[1]],"map",[1,2],"vector",["~#set",[1]],"set"]]')

    assert payload == {FrozenMap({"aa": Vector([1])}): "map", Vector([1, 2]): "vector", frozenset([1]): "set"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('["^ ","a",1,"~:a",2]', "keys 'a' and Keyword('a') of one map are the same in Python"),
        ('["~#set",[1,true]]', "keys 1 and True of one map are the same"),
        ('["~#set",["a","a"]]', "the same in Python"),
        ('[{"a":1,"a":2}]', "the same in Python"),
        ('["^ ","~i1",1,"~?t",2]', "the same in Python"),
        ('["^ ","a"]', "a key without a value"),
        ('["~#cmap",[1]]', "a key without a value"),
        ('["^0"]', "refers to nothing that came before"),
        ('["a","^ "]', "not at the start of a map"),
        ('["~#set"]', "has 0 values instead of one"),
        ('["~#set",[],[]]', "has 2 values instead of one"),
        ('["a","~#set"]', "has no value"),
        ('["`a"]', "reserved"),
        ('["~"]', "has no meaning"),
        ('["~ix"]', "is not an integer"),
        ('["~i1_000"]', "is not an integer"),
        ('["~fNaN"]', "is not a decimal"),
        ('["~ux"]', "badly formed"),
        ('["~mx"]', "is not an integer"),
        ('["~m999999999999999999"]', "range"),
        ('["~t2026-11-24T10:00:00"]', "has no time zone"),
        ('["~zx"]', "x"),
        ('["~cab"]', "one character"),
        ('["~?x"]', "not a boolean"),
        ('["~bx"]', "x"),
        ('["~#ratio",[1,0]]', "Fraction"),
        ("[NaN]", "is not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("", "Expecting value"),
        ("[1", "delimiter"),
    ],
)
def test_what_is_malformed_is_one_clear_error(text: str, words: str) -> None:
    with pytest.raises(UnreadablePayload, match=r"^the payload is not Transit: .*; it starts with ") as caught:
        transit.decode(text)
    assert words in str(caught.value)


@settings(deadline=None)
@given(st.text(max_size=30) | st.recursive(
    st.sampled_from(["^ ", "~#set", "^0", "~:key1", "~#cmap", "~", "~#'", 1, None, "x", "~#ratio", "~#list", "~#m"]),
    lambda inner: st.lists(inner, max_size=4), max_leaves=10,
).map(json.dumps))  # fmt: skip
def test_no_text_raises_anything_else(text: str) -> None:
    with contextlib.suppress(UnreadablePayload):
        transit.decode(text)


@pytest.mark.parametrize(
    "value",
    [object(), {"when": datetime(2026, 1, 1)}, [Decimal("NaN")], {1: {object()}}],  # noqa: DTZ001
)
def test_what_has_no_form_is_refused_at_the_enqueue(value: Any) -> None:
    with pytest.raises(PayloadError, match="cannot be written as Transit"):
        transit.encode(value)


def test_a_value_that_contains_itself_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(PayloadError, match="cannot be written as Transit"):
        transit.encode(endless)
