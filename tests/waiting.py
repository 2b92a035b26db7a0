"""Waiting for something to become true, where a sleep would be a guess."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(condition: Callable[[], T], seconds: float = 60.0, *, what: str = "") -> T:
    """The first true value that `condition` gives; an `AssertionError` if there is none in time."""
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what or condition}"
        time.sleep(0.005)
    return value
