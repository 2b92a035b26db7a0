"""
What annotations say: the fields of a class, and what is allowed in one place of a payload.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, NamedTuple


class Annotation(NamedTuple):
    """What an annotation says about one place."""

    is_told: bool = False  # it names a type, and is not Any
    args: tuple[Any, ...] = ()
    options: tuple[Any, ...] = ()
    keys: Mapping[str, Any] = {}  # of a TypedDict


ANYTHING = Annotation()


def told(hint: Any, back: Any) -> Annotation:
    """What an annotation says about its place; for a union, what the option says that `back` belongs to."""
    try:
        found = _read(hint)
    except TypeError:  # unhashable, as metadata of Annotated may be
        found = _read.__wrapped__(hint)
    if found.options:
        return told(next((option for option in found.options if _is_one(back, option)), Any), back)
    return found


@lru_cache(maxsize=4096)
def _read(hint: Any) -> Annotation:
    while True:
        if hasattr(hint, "__metadata__"):
            hint = typing.get_args(hint)[0]
        elif hasattr(hint, "__supertype__"):
            hint = hint.__supertype__
        elif type(hint).__name__ == "TypeAliasType":
            hint = hint.__value__
        else:
            break
    args = typing.get_args(hint)
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return Annotation(options=args)
    if hint in (Any, object) or isinstance(hint, typing.TypeVar):
        return ANYTHING
    return Annotation(is_told=True, args=args, keys=typing.get_type_hints(hint) if typing.is_typeddict(hint) else {})


def _is_one(value: Any, option: Any) -> bool:
    if typing.is_typeddict(option):
        return isinstance(value, dict)
    if hasattr(option, "__metadata__"):
        return _is_one(value, typing.get_args(option)[0])
    kind = typing.get_origin(option) or option
    return isinstance(kind, type) and isinstance(value, kind)


@lru_cache(maxsize=4096)
def fields_of(kind: Any) -> Mapping[str, Any] | None:
    """
    The fields and annotations of a dataclass, attrs class, msgspec struct, named tuple or pydantic model; else None.

    >>> fields_of(dataclasses.make_dataclass("Point", [("x", int)]))
    {'x': <class 'int'>}
    """
    if dataclasses.is_dataclass(kind):
        names: Iterable[str] | None = [field.name for field in dataclasses.fields(kind)]
    elif hasattr(kind, "__attrs_attrs__"):
        names = [attribute.name for attribute in kind.__attrs_attrs__]
    elif hasattr(kind, "__struct_fields__"):
        names = kind.__struct_fields__
    elif hasattr(kind, "__pydantic_fields__"):
        names = kind.__pydantic_fields__
    elif issubclass(kind, tuple):
        names = getattr(kind, "_fields", None)
    else:
        names = None
    if names is None:
        return None
    try:
        hints = typing.get_type_hints(kind, include_extras=True)
    except Exception:  # noqa: BLE001 (annotations are expressions of the user's: they may raise anything)
        hints = {}
    return {name: hints.get(name, Any) for name in names}


@lru_cache(maxsize=4096)
def encoded_fields(kind: Any) -> Mapping[str, str]:
    """A class's fields by their names in JSON; msgspec may rename them."""
    fields = fields_of(kind) or {}
    names = getattr(kind, "__struct_encode_fields__", tuple(fields))
    return dict(zip(names, fields, strict=True))
