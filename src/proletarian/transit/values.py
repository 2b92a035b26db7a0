"""
What Transit has and Python does not.

| Clojure, Transit | Python |
|---|---|
| nil, boolean, string, integer, float | None, bool, str, int, float |
| vector | list (within a set or as a key: `Vector`) |
| list | tuple |
| map | dict (within a set or as a key: `FrozenMap`) |
| set | set (within a set or as a key: frozenset) |
| keyword, symbol, character, URI | `Keyword`, `Symbol`, `Char`, `URI`: each a str |
| instant | datetime, in UTC, to the millisecond |
| UUID, big decimal, ratio, bytes | UUID, Decimal, Fraction, bytes |
| anything else | `TaggedValue` |
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any


class Keyword(str):
    """
    A keyword, without its colon. As a key it is found by its text.

    >>> {Keyword("account-id"): 42}["account-id"]
    42
    >>> Keyword("app/send-mail")
    Keyword('app/send-mail')
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __str__(self) -> str:
        return str.__str__(self)


class Symbol(Keyword):
    """A symbol."""

    __slots__ = ()


class Char(Keyword):
    """One character."""

    __slots__ = ()


class URI(Keyword):
    """A URI."""

    __slots__ = ()


class Vector(tuple[Any, ...]):
    """A vector that can be a key or in a set; a plain tuple is a list."""

    __slots__ = ()


class FrozenMap(Mapping[Any, Any]):
    """A map that can be a key or in a set."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[Any, Any]) -> None:
        self._entries = dict(entries)

    def __getitem__(self, key: Any) -> Any:
        return self._entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        return hash(frozenset(self._entries.items()))

    def __repr__(self) -> str:
        return f"FrozenMap({self._entries!r})"


@dataclass(frozen=True)
class TaggedValue:
    """A value of a type that only the other side knows: its tag, and what represents it."""

    tag: str
    rep: Any


def frozen(value: Any) -> Any:
    """The same value in a form that can be a key or in a set."""
    if isinstance(value, tuple):
        return type(value)(map(frozen, value))
    if isinstance(value, list):
        return Vector(map(frozen, value))
    if isinstance(value, dict):
        return FrozenMap({key: frozen(item) for key, item in value.items()})
    if isinstance(value, set):
        return frozenset(value)
    if isinstance(value, TaggedValue):
        return TaggedValue(value.tag, frozen(value.rep))
    return value
