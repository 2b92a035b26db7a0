"""Values from Transit's JSON form, the verbose one included."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from proletarian.transit.cache import MAP, Read
from proletarian.transit.values import URI, Char, Keyword, Symbol, TaggedValue, frozen
from proletarian.transit.writer import EPOCH

_INTEGER = re.compile(r"-?\d+", re.ASCII)


class Malformed(ValueError):
    """The text is not Transit, or contains something that Python cannot hold."""


def read(text: str) -> Any:
    """
    The value in a text; raises `Malformed`.

    >>> read('["^ ","~:account-id",42]')
    {Keyword('account-id'): 42}
    >>> read('["~#list",[1,2]]')
    (1, 2)
    """
    try:
        plain = json.loads(text, object_pairs_hook=Entries, parse_constant=_no_number)
        return Reader().value(plain)
    except Malformed:
        raise
    except RecursionError:
        raise Malformed("it is nested too deeply") from None
    except (ValueError, TypeError, ArithmeticError, LookupError) as error:
        raise Malformed(str(error)) from error


class Entries(list[tuple[str, Any]]):
    """A JSON object as it was written, with duplicate keys."""


class Reader:
    """Turns parsed JSON into one value."""

    def __init__(self) -> None:
        self._read = Read()

    def value(self, plain: Any) -> Any:
        """A value in its place: in an array, or after a key."""
        if isinstance(plain, str):
            return self._string(plain, key=False)
        if isinstance(plain, Entries):
            return self._object(plain)
        if isinstance(plain, list):
            return self._array(plain)
        return plain

    def _string(self, text: str, *, key: bool) -> Any:
        if text == MAP:
            raise Malformed("'^ ' is not at the start of a map")
        try:
            text = self._read.full(text, key=key)
        except KeyError:
            raise Malformed(f"the code {text!r} refers to nothing that came before") from None
        if text.startswith("~#"):
            raise Malformed(f"the tag {text!r} has no value")
        return decoded(text)

    def _array(self, plain: list[Any]) -> Any:
        if plain and plain[0] == MAP:
            rest = plain[1:]
            if len(rest) % 2:
                raise Malformed("a map has a key without a value")
            pairs = ((self._key(key), self.value(value)) for key, value in zip(rest[::2], rest[1::2], strict=True))
            return mapped(pairs)
        if plain and isinstance(plain[0], str) and (tag := self._tag(plain[0])) is not None:
            if len(plain) != 2:
                raise Malformed(f"the tag {tag!r} has {len(plain) - 1} values instead of one")
            return self._tagged(tag, plain[1])
        if not plain:
            return []
        # The first one has been looked at already: a code must not be counted twice.
        first = self._first if isinstance(plain[0], str) else self.value(plain[0])
        return [first, *map(self.value, plain[1:])]

    def _tag(self, text: str) -> str | None:
        """The tag, if the first element is one; otherwise None, and its value is in `_first`."""
        if text == MAP:
            return None
        try:
            full = self._read.full(text, key=False)
        except KeyError:
            raise Malformed(f"the code {text!r} refers to nothing that came before") from None
        if full.startswith("~#"):
            return full[2:]
        self._first = decoded(full)
        return None

    def _object(self, entries: Entries) -> Any:
        if len(entries) == 1 and entries[0][0].startswith("~#"):
            return self._tagged(entries[0][0][2:], entries[0][1])
        return mapped((self._key(key), self.value(value)) for key, value in entries)

    def _key(self, key: Any) -> Any:
        return self._string(key, key=True) if isinstance(key, str) else frozen(self.value(key))

    def _tagged(self, tag: str, plain: Any) -> Any:
        if tag == "cmap":
            flat = plain if isinstance(plain, list) else []
            if len(flat) % 2 or flat is not plain:
                raise Malformed("a map has a key without a value")
            values = [self.value(item) for item in flat]
            return mapped((frozen(key), value) for key, value in zip(values[::2], values[1::2], strict=True))
        rep = self.value(plain)
        if tag == "'":
            return rep
        if tag in COMPOSITES and isinstance(rep, list):
            return COMPOSITES[tag](rep)
        if tag in SCALARS:
            return SCALARS[tag](str(rep))
        if not tag:
            raise Malformed("a tag without a name")
        return TaggedValue(tag, rep)


def decoded(text: str) -> Any:
    """The value that one string stands for."""
    if not text.startswith("~"):
        if text.startswith("`"):
            raise Malformed(f"{text[:20]!r} begins with a reserved character")
        return text
    sign, rest = text[1:2], text[2:]
    if sign in ("~", "^", "`"):
        return text[1:]
    if sign in SCALARS:
        return SCALARS[sign](rest)
    if not sign:
        raise Malformed("'~' has no meaning")
    return TaggedValue(sign, rest)


def mapped(pairs: Iterable[tuple[Any, Any]]) -> Mapping[Any, Any]:
    """A dict; refuses two keys that are equal in Python, because one value would be lost."""
    entries: dict[Any, Any] = {}
    for key, value in pairs:
        if key in entries:
            other = next(known for known in entries if known == key)
            raise Malformed(f"the keys {other!r} and {key!r} of one map are the same in Python")
        entries[key] = value
    return entries


def _set(rep: list[Any]) -> set[Any]:
    entries = mapped((frozen(item), None) for item in rep)
    return set(entries)


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Malformed(f"{text[:20]!r} is not an integer")
    return int(text)


def _boolean(text: str) -> bool:
    if text not in ("t", "f"):
        raise Malformed(f"{text[:20]!r} is not a boolean")
    return text == "t"


def _null(text: str) -> None:
    if text:
        raise Malformed(f"{text[:20]!r} is not nil")


def _instant(text: str) -> datetime:
    try:
        return EPOCH + timedelta(milliseconds=_integer(text))
    except OverflowError:
        raise Malformed(f"the instant {text[:40]} is out of Python's range") from None


def _verbose_instant(text: str) -> datetime:
    moment = datetime.fromisoformat(text)
    if moment.utcoffset() is None:
        raise Malformed(f"{text[:40]!r} has no time zone")
    return moment.astimezone(UTC)


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if not value.is_finite():
        raise Malformed(f"{text[:20]!r} is not a decimal")
    return value


def _special(text: str) -> float:
    return {"NaN": float("nan"), "INF": float("inf"), "-INF": float("-inf")}[text]


def _char(text: str) -> Char:
    if len(text) != 1:
        raise Malformed(f"{text[:20]!r} is not one character")
    return Char(text)


def _ratio(rep: list[Any]) -> Fraction:
    numerator, denominator = rep
    return Fraction(numerator, denominator)


def _no_number(name: str) -> Any:
    raise Malformed(f"{name} is not JSON")


SCALARS: Mapping[str, Callable[[str], Any]] = {
    ":": Keyword,
    "$": Symbol,
    "i": _integer,
    "n": _integer,
    "d": float,
    "f": _decimal,
    "z": _special,
    "m": _instant,
    "t": _verbose_instant,
    "u": UUID,
    "r": URI,
    "b": lambda text: base64.b64decode(text, validate=True),
    "c": _char,
    "?": _boolean,
    "_": _null,
}
COMPOSITES: Mapping[str, Callable[[list[Any]], Any]] = {"set": _set, "list": tuple, "ratio": _ratio}
