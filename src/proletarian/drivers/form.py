"""
A statement in the form that a library wants, with values that do not depend on its owner's adapters.

Plain text and numbers pass whatever adapters and codecs the owner of a connection has set. So ids, times and JSON
travel as text with a cast around them, and MySQL's bytes as hexadecimal digits.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any
from uuid import UUID

from proletarian.sql.statements import Statement, Text

_CAST = re.compile(r"CAST\((\$\d+) AS (uuid|timestamptz|jsonb)(\[\])?\)", re.IGNORECASE)
_NAMED = re.compile(r"%\((\w+)\)s")


def spelled(value: Any) -> Any:
    """
    An id, a time, or a list of them as text that PostgreSQL reads; anything else as it is.

    >>> spelled([UUID(int=1), None])
    ['00000000-0000-0000-0000-000000000001', None]
    """
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list):
        return [spelled(item) for item in value]
    return value


def pyformat(step: Statement) -> tuple[str, Mapping[str, Any]]:
    """PostgreSQL with `%(name)s`: ids and times as text, for the casts in the statement to read."""
    return step.text.pyformat, {name: spelled(value) for name, value in step.parameters.items()}


def array(values: Sequence[Any]) -> str:
    r"""
    A list as text that PostgreSQL reads, for libraries that do not quote what they should.

    >>> print(array(["null", None, 'a "b"']))
    {"null",NULL,"a \"b\""}
    """
    return f"{{{','.join(map(_item, values))}}}"


def _item(value: Any) -> str:
    if value is None:
        return "NULL"
    text = str(spelled(value)).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'


def positional(step: Statement) -> tuple[str, Sequence[Any]]:
    """PostgreSQL with `%s`, and a value for each."""
    text, names = _positional(step.text.pyformat)
    values = {name: array(value) if isinstance(value, list) else value for name, value in step.parameters.items()}
    return text, tuple(spelled(values[name]) for name in names)


@lru_cache(maxsize=256)
def _positional(text: str) -> tuple[str, tuple[str, ...]]:
    return _NAMED.sub("%s", text), tuple(_NAMED.findall(text))


def numbered(step: Statement) -> tuple[str, Sequence[Any]]:
    """PostgreSQL with `$1`, where the server determines the type of each parameter: casts are from text."""
    return _from_text(step.text), tuple(spelled(step.parameters[name]) for name in step.text.names)


@lru_cache(maxsize=256)
def _from_text(text: Text) -> str:
    return _CAST.sub(r"CAST(CAST(\1 AS text\3) AS \2\3)", text.numbered)


def hexadecimal(step: Statement) -> tuple[str, Mapping[str, Any]]:
    """MySQL with `%(name)s`: bytes as hexadecimal digits, so that no character set can object to them."""
    binary = tuple(name for name, value in step.parameters.items() if isinstance(value, bytes))
    if not binary:
        return step.text.pyformat, step.parameters
    return _from_digits(step.text, binary), {
        name: value.hex() if isinstance(value, bytes) else value for name, value in step.parameters.items()
    }


@lru_cache(maxsize=256)
def _from_digits(text: Text, binary: tuple[str, ...]) -> str:
    return _NAMED.sub(lambda match: f"UNHEX({match[0]})" if match[1] in binary else match[0], text.pyformat)
