"""Payloads as Transit, for tables that a Clojure application shares."""

from __future__ import annotations

from typing import Any

from proletarian.errors import PayloadError, UnreadablePayload
from proletarian.transit.names import DEFAULT_QUEUE, check_name
from proletarian.transit.reader import Malformed, read
from proletarian.transit.writer import write


class TransitSerializer:
    """
    Transit in its JSON form, as the original Proletarian writes and reads it.

    With `keyword_keys`, plain strings as keys of a map are written as keywords, which is what
    Clojure expects. Keys that were read are found by their text either way.

    >>> transit = TransitSerializer(keyword_keys=True)
    >>> transit.encode({"account_id": 42})
    '["^ ","~:account_id",42]'
    >>> transit.decode('["^ ","~:account_id",42]')["account_id"]
    42
    """

    # What else a queue with shared tables needs: see `Queue.row`.
    default_queue = DEFAULT_QUEUE
    check_name = staticmethod(check_name)

    def __init__(self, *, keyword_keys: bool = False) -> None:
        self.keyword_keys = keyword_keys

    def __repr__(self) -> str:
        return f"TransitSerializer(keyword_keys={self.keyword_keys})"

    def encode(self, data: Any) -> str:
        """The payload as Transit; raises `PayloadError` when it has no such form."""
        try:
            return write(data, keyword_keys=self.keyword_keys)
        except (TypeError, ValueError, RecursionError) as error:
            raise PayloadError(f"the payload cannot be written as Transit: {error}") from error

    def decode(self, text: str) -> Any:
        """The payload from its text; raises `UnreadablePayload` when it is malformed."""
        try:
            return read(text)
        except Malformed as error:
            raise UnreadablePayload(f"the payload is not Transit: {error}; it starts with {text[:60]!r}") from error
