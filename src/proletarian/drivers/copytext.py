"""Rows as the text that PostgreSQL's COPY reads: no adapter of anybody's is asked."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any
from uuid import UUID

from proletarian.sql.statements import Copy

BLOCK = 100  # rows; few, so that a thousand jobs gain by it too
_SPECIAL = re.compile(r"[\\\t\n\r]")
_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def command(copy: Copy) -> str:
    """The COPY statement of a bulk load."""
    return f"COPY {copy.table} ({', '.join(copy.columns)}) FROM STDIN"


def blocks(rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    r"""
    The rows, a line each, some at a time: the server reads the first while we make the next.

    >>> list(blocks([("a\tb", None, 1)]))
    ['a\\tb\t\\N\t1\n']
    """
    rows = iter(rows)
    while block := list(islice(rows, BLOCK)):
        # By columns: each is of one type, mostly, and many hold the same few values again and again.
        columns = [_column(column) for column in zip(*block, strict=True)]
        yield "\n".join(["\t".join(line) for line in zip(*columns, strict=True)]) + "\n"


def _column(values: Sequence[Any]) -> list[str]:
    kinds = set(map(type, values))
    if kinds == {UUID}:
        return [f"{value.int:032x}" for value in values]
    if kinds == {str} and not _SPECIAL.search("".join(values)):
        return list(values)
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
