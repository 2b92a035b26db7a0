"""
How large a job may be; larger ones are refused at the enqueue.

Every move of a job writes its payload again, and servers limit the size of a packet (MariaDB:
16 MB by default). Large things belong elsewhere; the job carries their key.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields

from proletarian.errors import ConfigurationError, PayloadError


@dataclass(frozen=True, slots=True)
class Sizes:
    """
    The largest payload, headers and result that a job may have: for `Queue(sizes=…)`.

    `payload` and `result` are characters of the stored text, `headers` is how many
    there may be, `header_text` is the characters of all of them together.

    >>> Sizes(payload=10).checked_payload("send", '{"to": "a"}')
    Traceback (most recent call last):
    proletarian.errors.PayloadError: the payload of 'send' has 11 characters, and 10 are allowed; store it elsewhere and enqueue its key, or raise Queue(sizes=Sizes(payload=…))
    """  # noqa: E501

    payload: int = 4_000_000
    result: int = 4_000_000
    headers: int = 64
    header_text: int = 16_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise ConfigurationError(f"sizes: {field.name} is a whole number, 0 or more, not {value!r}")

    def checked_payload(self, job_type: str, text: str) -> str:
        """The encoded payload; raises `PayloadError` if it is too large, or not text that databases can store."""
        if not isinstance(text, str):
            raise PayloadError(f"the serializer must return text, not {type(text).__name__}, for {job_type!r}")
        if len(text) > self.payload:
            raise PayloadError(
                f"the payload of {job_type!r} has {len(text)} characters, and {self.payload} are allowed; store it "
                "elsewhere and enqueue its key, or raise Queue(sizes=Sizes(payload=…))"
            )
        if not is_storable(text):
            raise PayloadError(
                f"the payload of {job_type!r} contains NUL or half a character (a lone surrogate), which no "
                f"database stores"
            )
        return text

    def checked_headers(self, job_type: str, headers: Mapping[str, str]) -> str | None:
        """The headers as text; raises `PayloadError` if there are too many, or they are too long."""
        if not headers:
            return None
        if len(headers) > self.headers:
            raise PayloadError(f"{job_type!r} has {len(headers)} headers, and {self.headers} are allowed")
        text = json.dumps(dict(headers), ensure_ascii=False)
        if len(text) > self.header_text:
            raise PayloadError(
                f"the headers of {job_type!r} have {len(text)} characters, and {self.header_text} are allowed; put "
                f"longer texts into the payload"
            )
        if not is_storable(text):
            raise PayloadError(
                f"the headers of {job_type!r} contain half a character (a lone surrogate), which no database stores"
            )
        return text

    def checked_result(self, text: str | None) -> None:
        """Raise `PayloadError` if the result of a handler is too large to be stored."""
        if text is not None and len(text) > self.result:
            raise PayloadError(
                f"the result of the handler has {len(text)} characters, and {self.result} are kept; store it "
                "elsewhere and return its key, or raise Queue(sizes=Sizes(result=…))"
            )
        if text is not None and not is_storable(text):
            raise PayloadError(
                "the result of the handler contains NUL or half a character (a lone surrogate), which no database "
                "stores"
            )


def is_storable(text: str) -> bool:
    """Whether every database accepts this text: without NUL and lone surrogates."""
    if text.isascii():
        return "\0" not in text
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in text
