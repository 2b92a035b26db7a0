"""Waiting for the remaining work, as long as it shrinks."""

from __future__ import annotations

import time
from collections.abc import Callable

PAUSE = 0.02  # seconds between looks


def wait_while_it_shrinks(
    size: Callable[[], int],
    ended: Callable[[float], bool],
    *,
    patience: float,
    at_most: float,
) -> None:
    """
    Wait until `ended(seconds)`, which itself waits that long, returns True.

    Or until nothing has shrunk for `patience` seconds, or `at_most` seconds are over: a stop gives a hundred thousand
    jobs the time that they take, and a database that hangs only its patience.

    >>> left = [3, 2, 1]
    >>> wait_while_it_shrinks(lambda: len(left), lambda seconds: not (left and left.pop()), patience=1, at_most=5)
    >>> left
    []
    """
    least, moved = size(), time.monotonic()
    end = moved + at_most
    while not ended(PAUSE):
        now = time.monotonic()
        if (left := size()) < least:
            least, moved = left, now
        if now >= end or now >= moved + patience:
            return
