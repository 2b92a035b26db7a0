"""
Whether a handler will get what was enqueued.

An enqueue rebuilds its payload as the run will, and both are compared here. So anything that JSON or
a class of the application would change on its way is refused while somebody can still do something
about it, and does not surprise a handler.

Findings are worded from the inside out: each level puts its own step in front.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any, cast
from uuid import UUID

from proletarian.payloads.annotations import Annotation, encoded_fields, fields_of, told
from proletarian.sizes import is_storable

ATOMS = frozenset((str, int, float, bool, type(None)))
LEAVES = frozenset((date, timedelta, Decimal, UUID, bytes))
SERIES = (list, tuple, set, frozenset)
GONE = object()

ANNOTATE = "; annotate the parameter with its type"
CHANGED = " would come back changed: its class does not preserve it when writing and reading"


def change(value: Any, back: Any, hint: Any) -> str | None:
    """
    Where and how `back` differs from `value`, in words; None if it does not.

    `hint` is the annotation of this place. It matters if a tuple comes back as a list:
    `Sequence[int]` allows that, `Any` does not.

    >>> change({"days": [1, date(2026, 1, 1)]}, {"days": [1, "2026-01-01"]}, Any)
    "['days'][1] is of type date, and would come back as str; annotate the parameter with its type"
    >>> change((1, 2), [1, 2], list[int])
    """
    kind: Any = type(value)
    if kind is type(back):
        if kind in ATOMS:
            return None if value == back else _no_number(value) or CHANGED
        if kind in LEAVES and value == back:
            return None
    if isinstance(value, dict) and isinstance(back, dict):
        return _in_entries(value, back, told(hint, back))
    if isinstance(value, SERIES) and isinstance(back, SERIES) and not hasattr(back, "_fields"):
        return _in_series(value, back, told(hint, back))
    if kind is type(back) and (fields := fields_of(cast("Any", kind))) is not None:
        return _in_fields(value, back, fields)
    if kind in ATOMS and type(back) not in ATOMS:
        return None  # the annotation converted it, as in a date from its text
    if isinstance(value, dict):
        return _in_an_object(value, back)
    enum_as_value = isinstance(value, Enum) and not isinstance(back, Enum) and not told(hint, back).is_told
    if not enum_as_value and _same(value, back):
        return None
    return CHANGED if kind is type(back) else _as_another(value, back)


def _in_entries(value: Mapping[Any, Any], back: Mapping[Any, Any], hint: Annotation) -> str | None:
    if len(value) != len(back):
        lost = [key for key in value if key not in back]
        if lost and all(isinstance(key, str) for key in value):
            return f"[{lost[0]!r}] is not in the annotation, and would be lost"
        return " has keys that become the same string in JSON, so an entry would be lost"
    key_hint, inner = hint.args if len(hint.args) == 2 else (Any, Any)
    for (key, one), (other_key, other) in zip(value.items(), back.items(), strict=True):
        if (type(key) is not type(other_key) or key != other_key) and change(key, other_key, key_hint):
            return f" has a key{_as_another(key, other_key).replace(' is ', ' ')}"
        if type(one) in ATOMS and type(one) is type(other) and one == other:
            continue
        if found := change(one, other, hint.keys.get(key, inner)):
            return f"[{key!r}]{found}"
    return None


def _in_series(value: Any, back: Any, hint: Annotation) -> str | None:
    if len(value) != len(back) or not (hint.is_told or isinstance(value, type(back))):
        return _as_another(value, back)
    if isinstance(value, (set, frozenset)) or isinstance(back, (set, frozenset)):
        return None if set(value) == set(back) else f" would come back with other elements{ANNOTATE}"
    each = hint.args if isinstance(back, tuple) and Ellipsis not in hint.args else ()
    inner = hint.args[0] if hint.args else Any
    for number, (one, other) in enumerate(zip(value, back, strict=True)):
        if type(one) in ATOMS and type(one) is type(other) and one == other:
            continue
        if found := change(one, other, each[number] if number < len(each) else inner):
            return f"[{number}]{found}"
    return None


def _in_fields(value: Any, back: Any, fields: Mapping[str, Any]) -> str | None:
    for name, inner in fields.items():
        one, other = getattr(value, name, GONE), getattr(back, name, GONE)
        if (one is GONE) is not (other is GONE):
            return f".{name} would not come back: its class leaves it out"
        if found := change(one, other, inner):
            return f".{name}{found}"
    for beside in ("__pydantic_extra__", "__pydantic_private__"):
        if not _same(getattr(value, beside, None), getattr(back, beside, None)):
            return " would come back changed: it has private attributes or extra values that are not stored"
    return None


def _in_an_object(value: Mapping[Any, Any], back: Any) -> str | None:
    """A dict that the annotation turned into an object, which loses the keys that it does not know."""
    kind: Any = type(back)
    fields = fields_of(kind)
    if fields is None:
        return _as_another(value, back)
    if hasattr(back, "model_fields_set"):
        return None  # pydantic's models decide themselves what they accept
    names = encoded_fields(kind)
    for key, one in value.items():
        name = names.get(key)
        if name is None:
            return f"[{key!r}] is not in {kind.__name__}, and would be lost"
        if found := change(one, getattr(back, name, GONE), fields[name]):
            return f"[{key!r}]{found}"
    return None


def _as_another(value: Any, back: Any) -> str:
    return f" is of type {type(value).__name__}, and would come back as {type(back).__name__}{ANNOTATE}"


def _same(value: Any, back: Any) -> bool:
    try:
        if isinstance(value, datetime) and isinstance(back, datetime):
            # In an hour that occurs twice, datetimes in two zones are never equal, even if they mean the same.
            value, back = ((at.replace(tzinfo=None), at.utcoffset()) for at in (value, back))
        return bool(value == back)
    except Exception:  # noqa: BLE001 (a class's own comparison may raise anything)
        return False


def unfit(value: Any) -> str | None:
    """
    Where a payload holds something that JSON cannot express or databases cannot store, in words.

    >>> unfit({"prices": [1.5, float("nan")]})
    "['prices'][1] is nan, which JSON cannot express"
    """
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if found := unfit(key) or unfit(inner):
                return f"[{key!r}]{found}"
    if isinstance(value, SERIES):
        for number, inner in enumerate(value):
            if found := unfit(inner):
                return f"[{number}]{found}"
    if isinstance(value, str) and not is_storable(value.replace("\0", "")):
        return " contains half a character (a lone surrogate), which no database stores"
    return _no_number(value)


def _no_number(value: Any) -> str | None:
    if isinstance(value, float) and not abs(value) < float("inf"):
        return f" is {value}, which JSON cannot express"
    return None
