"""
Values as JSON's own types, and back: how dataclasses, models, dates and ids travel.

msgspec does most of it. What it does not know is here: subclasses of plain types, numbers from other
libraries, and pydantic's models and types, which are recognized without importing pydantic first.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from functools import lru_cache
from numbers import Integral, Real
from typing import Any
from uuid import UUID

import msgspec

MASK = "*" * 10  # how pydantic shows a secret


def to_plain(value: Any) -> Any:
    """
    A value in JSON's own types, as in a payload; secrets are in clear text, because the handler needs them.

    >>> to_plain({"on": date(2026, 11, 24)})
    {'on': '2026-11-24'}
    """
    return msgspec.to_builtins(value, str_keys=True, enc_hook=simpler)


def to_shown(value: Any) -> Any:
    """The same as people may see it in the archive: secrets stay masked."""
    return msgspec.to_builtins(value, str_keys=True, enc_hook=_shown)


def simpler(value: Any) -> Any:
    """Something that msgspec does not know, as something that it knows; raises `TypeError` if that is impossible."""
    if callable(reveal := getattr(value, "get_secret_value", None)):
        secret = reveal()
        return secret.decode() if isinstance(secret, bytes) else secret
    if is_pydantic(type(value)):
        plain = _dumped(value, "json")
        return _revealed(plain, _dumped(value, "python")) if MASK in repr(plain) else plain
    return _as_its_parent(value)


def _shown(value: Any) -> Any:
    if callable(getattr(value, "get_secret_value", None)):
        return MASK
    return _dumped(value, "json") if is_pydantic(type(value)) else _as_its_parent(value)


def _as_its_parent(value: Any) -> Any:
    """An instance of a plain type's subclass as that type, even if it overrides `__str__` and the like; numbers too."""
    if isinstance(value, str):
        return str.__str__(value)
    if isinstance(value, datetime):
        day = date(value.year, value.month, value.day)
        moment = time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold)
        return datetime.combine(day, moment)
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    if isinstance(value, time):
        return time(value.hour, value.minute, value.second, value.microsecond, value.tzinfo, fold=value.fold)
    if isinstance(value, timedelta):
        return timedelta(value.days, value.seconds, value.microseconds)
    if isinstance(value, Decimal):
        return Decimal(Decimal.__str__(value))
    if isinstance(value, UUID):
        return UUID(int=value.int)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} has no JSON form")


def is_pydantic(kind: Any) -> bool:
    """Whether pydantic knows how to read and write this type: one of its models, or a type such as `HttpUrl`."""
    return hasattr(typing.get_origin(kind) or kind, "__get_pydantic_core_schema__")


@lru_cache(maxsize=1024)
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _dumped(value: Any, mode: str) -> Any:
    # As it will be read back: with the names that are validated, and without computed fields.
    if callable(dump := getattr(value, "model_dump", None)):
        return dump(mode=mode, by_alias=True, round_trip=True)
    kind: Any = type(value)
    return _adapter(kind).dump_python(value, mode=mode, by_alias=True, round_trip=True)


def _revealed(plain: Any, value: Any) -> Any:
    """A model's JSON with its secrets in clear text: `value` is the same in Python's types, in the same order."""
    if callable(getattr(value, "get_secret_value", None)):
        return to_plain(value)
    if isinstance(plain, dict) and isinstance(value, Mapping):
        return {key: _revealed(*both) for key, *both in zip(plain, plain.values(), value.values(), strict=True)}
    if isinstance(plain, list):
        return [_revealed(*both) for both in zip(plain, value, strict=True)]
    return plain


def _without_values(error: ValueError) -> str:
    """Pydantic's message without the values that it was passed, because they may be secrets."""
    errors: Any = getattr(error, "errors", None)
    if not callable(errors):
        return str(error)
    found: Any = errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}".lstrip(": ") for one in found)


def rebuilt(kind: Any, plain: Any) -> Any:
    """
    A value of a type that msgspec does not know, from its plain form.

    Pydantic reads it as JSON, not as Python values: only then does a strict model accept a date as text.
    """
    if is_pydantic(kind):
        text = msgspec.json.encode(plain, enc_hook=simpler)
        try:
            return (getattr(kind, "model_validate_json", None) or _adapter(kind).validate_json)(text)
        except ValueError as error:
            raise ValueError(_without_values(error)) from None
    raise TypeError(f"cannot make a {getattr(kind, '__name__', kind)} from a payload")
