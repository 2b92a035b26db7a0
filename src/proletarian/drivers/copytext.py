"""Rows as the text that PostgreSQL's COPY reads: no adapter of anybody's is asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from proletarian.sql.statements import Copy

_ESCAPED = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


def command(copy: Copy) -> str:
    """The COPY statement of a bulk load."""
    return f"COPY {copy.table} ({', '.join(copy.columns)}) FROM STDIN"


def lines(rows: Iterable[Sequence[Any]]) -> str:
    r"""
    The rows, a line each.

    >>> lines([("a\tb", None, 1)])
    'a\\tb\t\\N\t1\n'
    """
    return "".join("\t".join(map(_field, row)) + "\n" for row in rows)


def _field(value: Any) -> str:
    if value is None:
        return "\\N"
    if isinstance(value, str):
        return value.translate(_ESCAPED)
    return value.isoformat() if isinstance(value, datetime) else str(value)
