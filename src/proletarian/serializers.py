"""Payloads as text: what a job's data looks like in the database."""

from __future__ import annotations

import json
from typing import Any, Protocol, runtime_checkable

import msgspec

from proletarian.errors import PayloadError, UnreadablePayload
from proletarian.payloads.plain import simpler, to_plain


@runtime_checkable
class Serializer(Protocol):
    """Turns a payload into text and back. Both sides of a queue must share it."""

    def encode(self, data: Any) -> str:
        """The payload as text; raises `PayloadError` when it has no such form."""

    def decode(self, text: str) -> Any:
        """The payload from its text; raises `UnreadablePayload` when it is malformed."""


class JsonSerializer:
    """
    JSON, the default: readable in the database and from every language.

    NaN and infinities are refused (JSON has none, and writing null instead would silently lose data). Dates, UUIDs,
    Decimals and Enums travel as text or their value; a task's annotations bring them back.

    >>> JsonSerializer().encode({"account_id": 42})
    '{"account_id":42}'
    """

    def encode(self, data: Any) -> str:
        """The payload as JSON text."""
        try:
            text = msgspec.json.encode(data, enc_hook=simpler).decode()
            # msgspec writes NaN as null. Where there is no null, there was no NaN either.
            if "null" in text:
                text = json.dumps(to_plain(data), allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
            raise PayloadError(f"the payload cannot be written as JSON: {error}") from error
        return text

    def decode(self, text: str) -> Any:
        """The payload from its JSON text."""
        try:
            return msgspec.json.decode(text)
        except (msgspec.MsgspecError, RecursionError, TypeError, ValueError) as error:
            raise UnreadablePayload(f"the payload is not JSON: {error}; it starts with {str(text)[:60]!r}") from error
