"""A handler's parameters as a payload: checked at the enqueue, rebuilt for the run."""

from __future__ import annotations

import enum
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Annotated, Any, Literal, NotRequired, TypedDict
from uuid import UUID

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proletarian import ConfigurationError, Job, PayloadError, Tasks
from proletarian.errors import UnreadablePayload
from proletarian.payloads.parameters import Parameters
from proletarian.serializers import JsonSerializer

SOME_ID = UUID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")


class Colour(enum.Enum):
    RED = "red"
    GREEN = "green"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass
class Point:
    x: float
    y: float = 0.0
    tags: list[str] = field(default_factory=list)


@attrs.define
class Size:
    width: int
    height: int


class Address(TypedDict):
    street: str
    city: NotRequired[str]


class Account(msgspec.Struct):
    id: int
    born: date


class Order(pydantic.BaseModel):
    number: int
    placed_at: datetime


def round_trip(annotation: Any, value: Any) -> Any:
    """What a handler gets for a parameter of this type."""

    def handler(value: Any) -> None: ...

    handler.__annotations__["value"] = annotation
    parameters = Parameters("handler", handler)
    text = JsonSerializer().encode(parameters.pack((), {"value": value}))
    (rebuilt,), _ = parameters.unpack(JsonSerializer().decode(text))
    return rebuilt


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, 2**62),
        (float, 1.5),
        (str, "漢字 \" ' \\ null NaN"),
        (bool, True),
        (int | None, None),
        (datetime, datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC)),
        (datetime, datetime(2026, 3, 1, 12, tzinfo=timezone(timedelta(hours=5, minutes=45)))),
        (datetime, datetime(2026, 3, 1, 12)),  # noqa: DTZ001 (a naive one stays naive)
        (date, date(2026, 3, 1)),
        (timedelta, timedelta(days=1, microseconds=1)),
        (UUID, SOME_ID),
        (Decimal, Decimal("12.340")),
        (bytes, b"\0\xff"),
        (Colour, Colour.GREEN),
        (Level, Level.HIGH),
        (list[Colour], [Colour.RED, Colour.GREEN]),
        (dict[str, Decimal], {"price": Decimal("0.1")}),
        (dict[int, str], {1: "one"}),
        (dict[UUID, int], {SOME_ID: 1}),
        (dict[Level, date], {Level.LOW: date(2026, 3, 1)}),
        (set[int], {1, 2, 3}),
        (frozenset[int], frozenset({1})),
        (tuple[int, str], (1, "a")),
        (tuple[int, ...], (1, 2, 3)),
        (Sequence[int], [1, 2]),
        (Literal["a", "b"], "b"),
        (Point, Point(1.0, 2.0, ["a"])),
        (list[Point], [Point(1.0), Point(2.0)]),
        (Size, Size(3, 4)),
        (Address, {"street": "Long Road"}),
        (Account, Account(1, date(2000, 2, 29))),
        (Order, Order(number=1, placed_at=datetime(2026, 1, 1, tzinfo=UTC))),
        (dict[str, list[Order]], {"orders": [Order(number=1, placed_at=datetime(2026, 1, 1, tzinfo=UTC))]}),
        (Point | None, Point(1.0)),
        (Any, {"any": [1, None, "x", 1.5, True]}),
    ],
    ids=str,
)
def test_a_value_comes_back_in_its_type(annotation: Any, value: Any) -> None:
    rebuilt = round_trip(annotation, value)

    assert rebuilt == value
    assert type(rebuilt) is type(value)


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(JSON)
def test_json_values_come_back_unchanged(value: Any) -> None:
    assert round_trip(Any, value) == value


@given(st.datetimes(timezones=st.timezones()), st.decimals(allow_nan=False, allow_infinity=False), st.uuids())
def test_values_without_a_json_form_come_back_through_their_annotation(
    moment: datetime, number: Decimal, uuid: UUID
) -> None:
    assert round_trip(Decimal, number) == number
    assert round_trip(UUID, uuid) == uuid
    if (offset := moment.utcoffset()) is not None and not offset.seconds % 60:
        assert round_trip(datetime, moment).astimezone(UTC) == moment.astimezone(UTC)


@pytest.mark.parametrize(
    ("annotation", "value"),
    [
        (int, "41"),
        (int, 1.5),
        (int, None),
        (str, 41),
        (bool, 1),
        (datetime, "yesterday"),
        (UUID, "not a uuid"),
        (Colour, "blue"),
        (Point, {"x": "one"}),
        (Point, {}),
        (Address, {"city": "Delft"}),
        (Order, {"number": "one", "placed_at": "2026-01-01T00:00:00Z"}),
        (list[int], [1, "2"]),
        (Literal["a"], "b"),
        (Annotated[int, msgspec.Meta(gt=0)], 0),
    ],
    ids=str,
)
def test_a_value_that_does_not_fit_raises_at_the_enqueue_and_names_the_parameter(annotation: Any, value: Any) -> None:
    with pytest.raises(PayloadError, match="value"):
        round_trip(annotation, value)


@pytest.mark.parametrize("value", [object(), float("nan"), float("inf"), iter([1]), lambda: None], ids=range(5))
def test_a_value_that_has_no_form_raises_at_the_enqueue(value: Any) -> None:
    with pytest.raises(PayloadError):
        round_trip(Any, value)


@pytest.mark.parametrize(
    "value",
    [datetime(2026, 1, 1, tzinfo=UTC), SOME_ID, Decimal(1), (1, 2), {1: "a"}, {1}, Point(1.0), Colour.RED, Level.LOW],
    ids=str,
)
def test_without_an_annotation_only_what_comes_back_is_taken(value: Any) -> None:
    def handler(value) -> None: ...  # type: ignore[no-untyped-def]

    with pytest.raises(PayloadError, match="annotate the parameter with its type"):
        Parameters("handler", handler).pack((value,), {})


def test_arguments_are_bound_as_for_a_call() -> None:
    def handler(job: Job, account: int, /, note: str = "none", *, loud: bool = False) -> None: ...

    parameters = Parameters("handler", handler)

    assert parameters.takes_job
    assert parameters.pack((1, "a"), {"loud": True}) == {"account": 1, "note": "a", "loud": True}
    assert parameters.pack((1,), {}) == {"account": 1}
    assert parameters.unpack({"account": 1}) == ((1, "none"), {"loud": False})


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ((), {}, "parameter 'a' is missing"),
        ((1, 2, 3), {}, "takes 2 positional arguments"),
        ((1,), {"a": 2}, "parameter 'a' is given twice"),
        ((1,), {"c": 2}, "has no parameter 'c'; it has: a, b"),
    ],
)
def test_a_wrong_call_is_explained(args: tuple[Any, ...], kwargs: dict[str, Any], said: str) -> None:
    def handler(a: int, b: int = 0) -> None: ...

    with pytest.raises(PayloadError, match=said):
        Parameters("handler", handler).pack(args, kwargs)


def test_an_open_handler_takes_any_key() -> None:
    def handler(a: int, **rest: Any) -> None: ...

    parameters = Parameters("handler", handler)
    packed = parameters.pack((), {"a": 1, "b": [2]})

    assert parameters.unpack(packed) == ((1,), {"b": [2]})


def test_defaults_are_handed_over_as_they_are() -> None:
    marker: list[int] = []

    def handler(a: list[int] = marker) -> None: ...

    ((value,), _) = Parameters("handler", handler).unpack({})
    assert value is marker


@pytest.mark.parametrize("payload", [[1], "text", 3, {"a": "one"}, {"b": 1}, {"a": 1, "c": 1}])
def test_a_stored_payload_that_does_not_fit_is_unreadable(payload: Any) -> None:
    def handler(a: int) -> None: ...

    with pytest.raises(UnreadablePayload):
        Parameters("handler", handler).unpack(payload)


def test_a_handler_without_parameters_takes_nothing() -> None:
    def handler() -> None: ...

    assert Parameters("handler", handler).unpack(None) == ((), {})


def variadic(*args: int) -> None: ...
def method(self: Any, a: int) -> None: ...
def job_second(a: int, job: Job) -> None: ...
def job_or_none(job: Job | None, a: int) -> None: ...
def jobs(job: list[Job]) -> None: ...


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (variadic, r"takes \*args"),
        (method, "is a method that takes 'self'"),
        (job_second, "'job' is annotated Job, but the job comes first"),
        (job_or_none, "the job is annotated Job, nothing else"),
        (jobs, "the job is annotated Job, nothing else"),
    ],
)
def test_a_handler_whose_parameters_no_payload_can_fill_is_refused_at_the_decorator(
    handler: Callable[..., None], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said):
        Tasks().task(handler)


def test_a_bound_method_is_a_handler() -> None:
    class Shop:
        def sell(self, article: str) -> str:
            return article

    assert Tasks().task(Shop().sell).job(article="lamp").payload == {"article": "lamp"}


def test_a_handler_that_can_never_be_called_is_refused() -> None:
    def unknown(a: Missing) -> None: ...  # type: ignore[name-defined]  # noqa: F821

    with pytest.raises(ConfigurationError, match="cannot be read"):
        Parameters("handler", unknown).check()


@given(st.dictionaries(st.text(), JSON, max_size=5))
def test_the_serializer_writes_what_it_reads(data: Mapping[str, Any]) -> None:
    serializer = JsonSerializer()

    assert serializer.decode(serializer.encode(data)) == data


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -float("inf")])
def test_the_serializer_loses_no_number_in_silence(number: float) -> None:
    for data in (number, [number], {"a": {"b": number}}, {"null": None, "a": number}, Point(number)):
        with pytest.raises(PayloadError):
            JsonSerializer().encode(data)


def test_the_serializer_keeps_text_that_looks_like_something_else() -> None:
    serializer = JsonSerializer()
    for text in ("null", "NaN", '{"a": null}', "\u2028", "\x00", "é"):
        assert serializer.decode(serializer.encode({"text": text, "none": None})) == {"text": text, "none": None}


@pytest.mark.parametrize("text", ["", "{", "nul", "[" * 200_000, '{"a":1} x', "\ufeff{}"], ids=range(6))
def test_the_serializer_names_what_it_cannot_read(text: str) -> None:
    with pytest.raises(UnreadablePayload, match="is not JSON"):
        JsonSerializer().decode(text)
