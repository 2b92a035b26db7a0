"""
Parts of SQL text that our files name instead of repeating them: `:JOB`, in capital letters.

Every file may use the parts from `Dialect.parts`: lists of columns, and the types of job ids. A block
in the file can be a part too (`-- :part TAKEN`), for the blocks below it. psql reads parts as its variables:
`\\set JOB 'job_id, queue, …'`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_BLOCK = re.compile(r"^-- :(name|part) (\w+)\n", flags=re.MULTILINE)
_PART = re.compile(r"(?<!:):([A-Z][A-Z_]*)\b")


def expand(source: str, parts: Mapping[str, str]) -> str:
    """
    SQL in which the named parts are filled in.

    >>> expand("SELECT :JOB FROM job WHERE queue = :queue", {"JOB": "job_id, queue"})
    'SELECT job_id, queue FROM job WHERE queue = :queue'
    """
    return _PART.sub(lambda match: parts[match[1]], source)


def blocks(source: str, parts: Mapping[str, str] | None = None) -> dict[str, str]:
    """
    The statements of a `.sql` file, by the name in the line above each, without their parts.

    >>> blocks("-- :name one\\nSELECT 1\\n-- :name two\\n-- why\\nSELECT 2\\n")
    {'one': 'SELECT 1', 'two': '-- why\\nSELECT 2'}
    >>> blocks("-- :part DUE\\nprocess_at <= now()\\n-- :name due\\nSELECT :JOB FROM job WHERE :DUE", {"JOB": "job_id"})
    {'due': 'SELECT job_id FROM job WHERE process_at <= now()'}
    """
    known = dict(parts or {})
    found = {}
    pieces = _BLOCK.split(source)
    for kind, name, body in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        text = expand(body.strip().removesuffix(";"), known)
        if kind == "part":
            known[name] = text
        else:
            found[name] = text
    return found
