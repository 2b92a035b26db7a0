"""Names of databases."""

import re


def identifier(name: str) -> str:
    """`name`, if it means the same quoted and unquoted in every database."""
    if not re.fullmatch(r"[a-z_][a-z0-9_]{0,62}", name):
        raise ValueError(f"{name!r} is no name for a database: use a-z, 0-9 and _, at most 63")
    return name
