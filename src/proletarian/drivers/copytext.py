"""Rows as the text that PostgreSQL's COPY reads: no adapter of anybody's is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice, repeat
from typing import Any
from uuid import UUID

from proletarian.sql.statements import Copy

CHUNK = 100  # rows; few, so that a thousand jobs gain by it too
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def command(copy: Copy) -> str:
    """The COPY statement of a bulk load."""
    return f"COPY {copy.table} ({', '.join(copy.columns)}) FROM STDIN"


def chunks(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    r"""
    The rows, a line each, some at a time: the server reads the first while we make the next.

    >>> list(chunks([("a\tb", None, 1)]))
    ['a\\tb\t\\N\t1\n']
    """
    rows = iter(rows)
    while chunk := list(islice(rows, CHUNK)):
        # By columns: each is of one type, mostly, and many hold one and the same value.
        pieces: list[str | Sequence[str]] = []
        for column in map(_column, zip(*chunk, strict=True)):
            if isinstance(column, str) and pieces and isinstance(pieces[-1], str):
                pieces[-1] += f"\t{column}"
            else:
                pieces.append(column)
        parts = [repeat(piece, len(chunk)) if isinstance(piece, str) else piece for piece in pieces]
        yield "\n".join(map("\t".join, zip(*parts, strict=True))) + "\n"


def _column(values: Sequence[Any]) -> str | Sequence[str]:
    """What stands in these fields; a single text if it is the same in all of them."""
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
