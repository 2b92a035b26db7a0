"""
What a handler returned, on its way to those who wait for it: from text in the archive back to its annotated type.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Coroutine
from typing import Any, NoReturn

import msgspec

from proletarian.errors import PayloadError
from proletarian.payloads.parameters import exact
from proletarian.payloads.plain import rebuilt


def expected(hint: Any) -> Any:
    """
    The type that those who wait get, by a function's return annotation; for an awaitable, the type of its result.

    >>> expected(Awaitable[int]), expected(int | None), expected(inspect.Signature.empty)
    (<class 'int'>, int | None, typing.Any)
    """
    if hint is inspect.Signature.empty or isinstance(hint, typing.TypeVar) or hint in (NoReturn, typing.Never):
        return Any
    if typing.get_origin(hint) in (Awaitable, Coroutine):
        return expected(typing.get_args(hint)[-1])
    return hint


def restored(job_type: str, value: Any, hint: Any) -> Any:
    """
    A result of the annotated type, from its plain form; raises `PayloadError` if it does not fit.

    >>> from datetime import date
    >>> restored("due", "2026-11-28", date)
    datetime.date(2026, 11, 28)
    """
    try:
        try:
            return msgspec.convert(value, hint, str_keys=True, dec_hook=rebuilt)
        except msgspec.ValidationError:  # a serializer's own string types, such as Transit's keywords, do not fit str
            return msgspec.convert(exact(value), hint, str_keys=True, dec_hook=rebuilt)
    except (msgspec.ValidationError, TypeError, ValueError, RecursionError) as error:
        raise PayloadError(
            f"the result of {job_type!r} does not fit its annotation {hint!r}: {error}; find_job(…).result returns "
            f"it as it was stored"
        ) from error
