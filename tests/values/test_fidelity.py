"""What a handler gets is what was put in, or the enqueue refuses it and says where."""

from __future__ import annotations

import enum
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

import attrs
import msgspec
import pydantic
import pytest
from django.utils.safestring import SafeString, mark_safe
from pydantic import ConfigDict, Field, SecretBytes, SecretStr

from proletarian import ConfigurationError, PayloadError, Queue, Tasks
from proletarian.encryption import EncryptingSerializer
from proletarian.errors import UnreadablePayload
from proletarian.outcomes import succeeded_with
from proletarian.payloads.parameters import Parameters
from proletarian.serializers import JsonSerializer
from proletarian.sizes import Sizes
from tests.values.test_payloads import Colour, Level, Order, Point, round_trip

T = TypeVar("T")
DAY = date(2026, 1, 1)
SOME_ID = UUID("0190a1b2-c3d4-7e5f-8a6b-7c8d9e0f1a2b")
BERLIN = ZoneInfo("Europe/Berlin")


class Credentials(pydantic.BaseModel):
    user: str
    token: SecretStr
    raw: SecretBytes = SecretBytes(b"key")
    pin: pydantic.Secret[int] = pydantic.Secret(1234)
    others: list[SecretStr] = []


class Nested(pydantic.BaseModel):
    by_name: dict[str, Credentials]


class Hidden(pydantic.BaseModel):
    note: str = Field(default="default", exclude=True)


class Alias(pydantic.BaseModel):
    account_id: int = Field(alias="accountId")


class TwoAliases(pydantic.BaseModel):
    account_id: int = Field(validation_alias="accountId", serialization_alias="AccountId")


class Computed(pydantic.BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int

    @pydantic.computed_field  # type: ignore[prop-decorator]
    @property
    def twice(self) -> int:
        return 2 * self.a


class Strict(pydantic.BaseModel):
    model_config = ConfigDict(strict=True)
    on: date
    pair: tuple[int, ...] = ()
    of: set[int] = set()
    uuid: UUID | None = None


class Extra(pydantic.BaseModel):
    model_config = ConfigDict(extra="allow")


class Private(pydantic.BaseModel):
    a: int
    _memo: int = pydantic.PrivateAttr(default=1)


class Cat(pydantic.BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(pydantic.BaseModel):
    kind: Literal["dog"] = "dog"


class Owner(pydantic.BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]


class Numbers(pydantic.RootModel[list[int]]): ...


class Box(pydantic.BaseModel, Generic[T]):
    item: T


class LargerOrder(Order):
    more: int = 1


class Renamed(msgspec.Struct, rename="camel"):
    account_id: int


class Kilo(msgspec.Struct, tag=True):
    n: int


class Mile(msgspec.Struct, tag=True):
    n: int


class WithoutEquality(msgspec.Struct, eq=False):
    n: int


@dataclass
class Derived:
    x: int
    twice: int = field(init=False)

    def __post_init__(self) -> None:
        self.twice = 2 * self.x


@dataclass
class Initialised:
    x: int
    seed: InitVar[int] = 3


@dataclass
class Event:
    data: dict[str, Any]
    tags: Sequence[str] = ()


@dataclass
class Pair(Generic[T]):
    one: T


@attrs.define
class Renaming:
    _hidden: int


class Row(NamedTuple):
    n: int
    on: date


class Permission(enum.Flag):
    READ = 1
    WRITE = 2


class Mode(enum.StrEnum):
    FAST = "fast"


class Address(TypedDict):
    street: str
    city: NotRequired[str]


class Loud(str):
    def __str__(self) -> str:
        return "loud"


class FrozenTime(datetime): ...  # as freezegun's and pendulum's


class FrozenDay(date): ...


class Length(timedelta): ...


class Money(Decimal): ...


class Count(int): ...


ODD = Derived(1)
ODD.twice = 99
REMEMBERING = Private(a=1)
REMEMBERING._memo = 2
SECRETS = Credentials(user="ann", token=SecretStr("hunter2"), others=[SecretStr("a"), SecretStr("b")])

THE_SAME = [
    (Credentials, SECRETS),
    (Nested, Nested(by_name={"ann": SECRETS})),
    (SecretStr, SecretStr("hunter2")),
    (list[SecretBytes], [SecretBytes(b"hunter2")]),
    (pydantic.Secret[int], pydantic.Secret(4)),
    (pydantic.HttpUrl, pydantic.HttpUrl("https://example.org/")),
    (Hidden, Hidden()),
    (Alias, Alias(accountId=4)),
    (Computed, Computed(a=1)),
    (Strict, Strict(on=DAY, pair=(1, 2), of={3}, uuid=SOME_ID)),
    (Extra, Extra(a=[1])),  # type: ignore[call-arg]
    (Private, Private(a=1)),
    (Owner, Owner(pet=Cat())),
    (Numbers, Numbers([1])),
    (Box[date], Box[date](item=DAY)),
    (Renamed, Renamed(4)),
    (Kilo | Mile, Mile(1)),
    (Derived, Derived(1)),
    (Pair[date], Pair(DAY)),
    (Event, Event({"a": [1, {"b": None}]}, ["x"])),
    (Row, Row(1, DAY)),
    (Permission, Permission.READ | Permission.WRITE),
    (Mode, Mode.FAST),
    (Address, {"street": "Long Road"}),
    (set[date], {DAY}),
    (dict[str, Any], {"a": [{"b": None}]}),
    (dict, {"a": True}),
    (list, ["x", 1.5]),
    (dict[int | str, int], {"a": 1}),
    (Any, 2**70),
    (datetime, datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))),
]


@pytest.mark.parametrize(("annotation", "value"), THE_SAME, ids=str)
def test_it_comes_back_as_it_was(annotation: Any, value: Any) -> None:
    back = round_trip(annotation, value)

    assert back == value
    assert type(back) is type(value)


AS_DECLARED = [
    (str, SafeString("<b>"), "<b>"),
    (str, mark_safe("safe"), "safe"),
    (str, Loud("quiet"), "quiet"),
    (Any, SafeString("x"), "x"),
    (str, Mode.FAST, "fast"),
    (int, Count(3), 3),
    (int, Level.LOW, 1),
    (float, 1, 1.0),
    (float, Fraction(1, 2), 0.5),
    (datetime, FrozenTime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)),
    (date, FrozenDay(2026, 1, 1), DAY),
    (timedelta, Length(days=1), timedelta(days=1)),
    (Decimal, Money("1.50"), Decimal("1.50")),
    (bytes, bytearray(b"x"), b"x"),
    (dict[str, int], Counter("aab"), {"a": 2, "b": 1}),
    (dict, defaultdict(int, a=1), {"a": 1}),
    (Sequence[int], (1, 2), [1, 2]),
    (list[int], (1, 2), [1, 2]),
    (tuple[int, ...], [1, 2], (1, 2)),
    (date, "2026-01-01", DAY),
    (Point, {"x": 1.0}, Point(1.0)),
    (Renamed, {"accountId": 3}, Renamed(3)),
    (Event, Event({}, ("a",)), Event({}, ["a"])),
    (Box[int], Box(item=1), Box[int](item=1)),
]


@pytest.mark.parametrize(("annotation", "value", "wanted"), AS_DECLARED, ids=str)
def test_it_comes_back_as_the_annotation_says(annotation: Any, value: Any, wanted: Any) -> None:
    back = round_trip(annotation, value)

    assert back == wanted
    assert type(back) is type(wanted)


@pytest.mark.parametrize("fold", [0, 1])
def test_the_hour_that_comes_twice_is_kept_apart(fold: int) -> None:
    moment = datetime(2026, 10, 25, 2, 30, tzinfo=BERLIN, fold=fold)

    assert round_trip(datetime, moment).astimezone(UTC) == moment.astimezone(UTC)


REFUSED = [
    (Hidden, Hidden(note="mine"), r"value\.note would come back changed"),
    (TwoAliases, TwoAliases.model_validate({"accountId": 4}), "accountId: Field required"),
    (Extra, Extra(on=DAY), "extra values"),  # type: ignore[call-arg]
    (Private, REMEMBERING, "private attributes"),
    (
        Order,
        LargerOrder(number=1, placed_at=datetime(2026, 1, 1, tzinfo=UTC)),
        "is of type LargerOrder",
    ),
    (SecretBytes, SecretBytes(b"\xff"), "cannot be stored"),
    (Derived, ODD, r"value\.twice would come back changed"),
    (Renaming, Renaming(1), "missing required field"),
    (Point, {"x": 1.0, "z": 1.0}, r"value\['z'\] is not in Point, and would be lost"),
    (Renamed, {"accountId": 3, "z": 1}, r"value\['z'\] is not in Renamed"),
    (Address, {"street": "a", "zip": "b"}, r"value\['zip'\] is not in the annotation, and would be lost"),
    (Event, Event({"on": DAY}), r"value\.data\['on'\] is of type date, and would come back as str"),
    (dict, {"on": DAY}, r"value\['on'\] is of type date"),
    (dict, {"price": Decimal("1.10")}, r"value\['price'\] is of type Decimal"),
    (dict, {7: "a"}, "has a key of type int, and would come back as str"),
    (list, [DAY], r"value\[0\] is of type date"),
    (list, [(1, 2)], r"value\[0\] is of type tuple, and would come back as list"),
    (set, {DAY}, "other elements"),
    (dict[str, Any], {"a": [{"id": SOME_ID}]}, r"value\['a'\]\[0\]\['id'\] is of type UUID"),
    (dict[str, Any], {"a": b"x"}, r"value\['a'\] is of type bytes"),
    (dict[str, Any], {"a": {1}}, r"value\['a'\] is of type set"),
    (dict[str, Any], {"a": Level.LOW}, r"value\['a'\] is of type Level"),
    (dict[str, Any], {"a": float("nan")}, r"value\['a'\] is nan, which JSON cannot express"),
    (dict[str, Any], {"a": ["\ud800"]}, r"value\['a'\]\[0\] contains half a character"),
    (dict[int | str, int], {1: 1, "1": 2}, "keys that become the same string in JSON"),
    (dict[int | str, int], {1: 1}, "has a key of type int"),
    (dict[str, int], {1: 1}, "has a key of type int"),
    (Any, [DAY], r"value\[0\] is of type date"),
    (Any, FrozenTime(2026, 1, 1), "is of type FrozenTime, and would come back as str"),
    (Any, Mode.FAST, "is of type Mode"),
    (str, DAY, "is of type date, and would come back as str"),
    (str, SOME_ID, "is of type UUID"),
    (list[str], [SOME_ID], r"value\[0\] is of type UUID"),
    (set[int], [1, 1], "would come back as set"),
    (Decimal, Decimal("NaN"), "would come back changed"),
    (datetime, datetime(1850, 1, 1, tzinfo=BERLIN), "would come back changed"),  # an offset of seconds
    (float, Fraction(1, 3), "is of type Fraction"),
]


@pytest.mark.parametrize(("annotation", "value", "said"), REFUSED, ids=str)
def test_what_would_be_changed_is_refused_and_the_place_is_named(annotation: Any, value: Any, said: str) -> None:
    with pytest.raises(PayloadError, match=f"handler: parameter 'value'.*{said}"):
        round_trip(annotation, value)


@pytest.mark.parametrize("annotation", [Initialised, Annotated[Cat | Dog, Field(discriminator="kind")]], ids=str)
def test_a_type_that_can_never_be_rebuilt_is_refused_with_its_handler(annotation: Any) -> None:
    with pytest.raises(ConfigurationError, match="annotations of handler 'handler' cannot be used"):
        round_trip(annotation, None)


def test_an_open_handler_is_given_what_json_has() -> None:
    def handler(**rest: Any) -> None: ...

    with pytest.raises(PayloadError, match=r"parameter 'b': b\['on'\] is of type date"):
        Parameters("handler", handler).pack((), {"b": {"on": DAY}})


tasks = Tasks()


@tasks.task
def weigh(weight: float, unit: str = "kg") -> None: ...


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"weight": float("nan")}, "weigh: parameter 'weight': weight is nan, which JSON cannot express"),
        ({"weight": float("-inf")}, "weigh: parameter 'weight': weight is -inf"),
        ({"weight": 1.0, "unit": "\ud800"}, "weigh: parameter 'unit': unit contains half a character"),
    ],
    ids=["nan", "infinity", "half a character"],
)
def test_the_quick_way_names_task_and_parameter_too(arguments: dict[str, Any], said: str) -> None:
    queue = Queue()
    with pytest.raises(PayloadError, match=said):
        queue.row(weigh.job(**arguments), queue.dialect("sqlite"))


def test_secrets_reach_the_handler_and_nobody_else() -> None:
    def handler(login: Credentials) -> None: ...

    parameters = Parameters("handler", handler)
    encrypting = EncryptingSerializer([EncryptingSerializer.new_key()])
    text = encrypting.encode(parameters.pack((SECRETS,), {}))
    ((login,), _) = parameters.unpack(encrypting.decode(text))

    assert login.token.get_secret_value() == "hunter2"
    assert login.raw.get_secret_value() == b"key"
    assert "hunter2" not in text

    kept = succeeded_with(1, 0, {"login": SECRETS, "token": SecretStr("hunter2")}, JsonSerializer(), Sizes())
    assert "hunter2" not in str(kept.result)


def test_an_error_about_a_model_holds_no_value_of_it() -> None:
    def handler(login: Credentials) -> None: ...

    with pytest.raises(UnreadablePayload, match="user: Field required") as caught:
        Parameters("handler", handler).unpack({"login": {"token": "hunter2"}})
    assert "hunter2" not in str(caught.value)


def test_times_of_day_and_colours_as_keys() -> None:
    assert round_trip(dict[Colour, time], {Colour.RED: time(1, 2)}) == {Colour.RED: time(1, 2)}


def test_a_class_without_equality_is_compared_by_its_fields() -> None:
    assert round_trip(WithoutEquality, WithoutEquality(1)).n == 1
