"""Rows as the text that PostgreSQL's COPY reads, without anybody's adapters."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, repeat
from typing import Any
from uuid import UUID

from proletarian.sql.statements import Copy

CHUNK = 100  # rows; few, so that a thousand jobs benefit too
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def command(copy: Copy) -> str:
    """The COPY statement of a bulk load."""
    return f"COPY {copy.table} ({', '.join(copy.columns)}) FROM STDIN"


def chunks(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    r"""
    The rows, one line each, in chunks: the server reads one while we make the next.

    >>> list(chunks([("a\tb", None, 1)]))
    ['a\\tb\t\\N\t1\n']
    """
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        # Column by column: mostly each has one type, and many hold the same value in every row.
        pieces: list[str | Sequence[str]] = []
        for column in map(_column, zip(*chunk, strict=True)):
            if isinstance(column, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += f"\t{column}"
            else:
                pieces.append(column)
        parts = [repeat(piece, len(chunk)) if isinstance(piece, str) else piece for piece in pieces]
        yield "\n".join(map("\t".join, zip(*parts, strict=True))) + "\n"


def _column(values: Sequence[Any]) -> str | Sequence[str]:
    """The text of these fields; a single string if it is the same in all of them."""
    if values[0] == values[-1] and values.count(values[0]) == len(values):
        return _field(values[0])
    kinds = set(map(type, values))
    if kinds == {UUID}:
        return [value.int.to_bytes(16, "big").hex() for value in values]
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        return values
    texts = {value: _field(value) for value in set(values)}
    return [texts[value] for value in values]


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPED) if _SPECIAL.search(value) else value
    if isinstance(value, UUID):
        return value.hex
    return value.isoformat() if isinstance(value, datetime) else str(value)
