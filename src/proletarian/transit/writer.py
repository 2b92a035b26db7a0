"""Values as Transit's JSON form."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from proletarian.transit.cache import MAP, Written
from proletarian.transit.values import URI, Char, Keyword, Symbol, TaggedValue, Vector

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
EXACT = 2**53  # JavaScript's numbers are exact below it
LONG = 2**63
SIGNS = {Keyword: ":", Symbol: "$", Char: "c", URI: "r"}


def write(value: Any, *, keyword_keys: bool = False) -> str:
    """
    A value as text; raises `TypeError` or `ValueError` for one that Transit cannot express.

    >>> write({Keyword("account-id"): 42, Keyword("tags"): ["a", "~b"]})
    '["^ ","~:account-id",42,"~:tags",["a","~~b"]]'
    >>> write(None)
    '["~#\\'",null]'
    """
    writer = Writer(keyword_keys)
    plain = writer.value(value)
    if not isinstance(plain, list):
        plain = ["~#'", plain]
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Writer:
    """Turns one value into what JSON can express."""

    def __init__(self, keyword_keys: bool) -> None:
        self._keyword_keys = keyword_keys
        self._written = Written()

    def value(self, value: Any) -> Any:
        """A value in its place: in an array, or after a key."""
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, int) and -EXACT < value < EXACT:
            return int(value)
        if isinstance(value, float) and math.isfinite(value):
            return float(value)
        if (text := scalar(value)) is not None:
            return self._written.shortened(text, key=False)
        if isinstance(value, Mapping):
            return self._map(value)
        if isinstance(value, (list, Vector)):
            return [self.value(item) for item in value]
        if isinstance(value, tuple):
            return self._tagged("list", list(value))
        if isinstance(value, (set, frozenset)):
            return self._tagged("set", list(value))
        if isinstance(value, Fraction):
            return [self._written.shortened("~#ratio", key=False), [f"~n{value.numerator}", f"~n{value.denominator}"]]
        if isinstance(value, TaggedValue):
            return self._tagged(value.tag, value.rep)
        raise TypeError(f"{type(value).__name__} has no form in Transit")

    def _tagged(self, tag: str, rep: Any) -> Any:
        if len(tag) == 1 and isinstance(rep, str):
            return f"~{tag}{rep}"
        return [self._written.shortened(f"~#{tag}", key=False), self.value(rep)]

    def _map(self, entries: Mapping[Any, Any]) -> list[Any]:
        keys = [self._key(key) for key in entries]
        if None in keys:
            flat = [part for entry in entries.items() for part in entry]
            return self._tagged("cmap", flat)  # type: ignore[no-any-return]
        said: list[Any] = [MAP]
        for key, value in zip(keys, entries.values(), strict=True):
            said.append(self._written.shortened(str(key), key=True))
            said.append(self.value(value))
        return said

    def _key(self, key: Any) -> str | None:
        if self._keyword_keys and type(key) is str:
            key = Keyword(key)
        return scalar(key, key=True)


def scalar(value: Any, *, key: bool = False) -> str | None:
    """A value that is written as one string; None for any other."""
    if isinstance(value, Keyword):
        return f"~{SIGNS[type(value)]}{str.__str__(value)}"
    if isinstance(value, str):
        return f"~{value}" if value[:1] in ("~", "^", "`") else str(value)
    if isinstance(value, UUID):
        return f"~u{value}"
    if isinstance(value, datetime):
        if value.utcoffset() is None:
            raise ValueError(f"{value!r} has no time zone")
        return f"~m{(value - EPOCH) // timedelta(milliseconds=1)}"
    if isinstance(value, Decimal):
        if not value.is_finite():
            raise ValueError(f"{value!r} is not a number")
        return f"~f{value}"
    if isinstance(value, (bytes, bytearray)):
        return f"~b{base64.b64encode(value).decode()}"
    if value is None or isinstance(value, bool):
        return {None: "~_", True: "~?t", False: "~?f"}[value] if key else None
    if isinstance(value, int):
        return f"~{'i' if -LONG <= value < LONG else 'n'}{int(value)}"
    if isinstance(value, float):
        return special(value) or f"~d{float(value)!r}"
    return None


def special(value: float) -> str | None:
    """A float that JSON has no number for."""
    if math.isfinite(value):
        return None
    return "~zNaN" if math.isnan(value) else f"~z{'' if value > 0 else '-'}INF"
