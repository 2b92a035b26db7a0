"""Names of queues and job types: what every database can store."""

from __future__ import annotations

from functools import lru_cache

from proletarian.sizes import is_storable

DEFAULT_QUEUE = "default"
A_NAME = "a name of 1 to 191 characters, without NUL and without white space at its ends"


def is_name(name: object) -> bool:
    """
    Whether this can name a queue or a job type on every database.

    Databases differ about trailing white space: MariaDB ignores it.

    >>> is_name("mail"), is_name("mail "), is_name("")
    (True, False, False)
    """
    return isinstance(name, str) and _is_name(name)


@lru_cache(maxsize=1024)  # the same few names with every job
def _is_name(name: str) -> bool:
    return 0 < len(name) <= 191 and name == name.strip() and is_storable(name)
