"""
Which process ran which job when: what a handler calls, and what reads it back.

A handler must cost next to nothing and must not release the interpreter's lock, or the
recorder would be what is measured. So a record is sixteen bytes written to a file that
is mapped into memory. It survives SIGKILL, and CLOCK_MONOTONIC is the same clock for all
processes of a machine. This file runs in the environments of all contestants and imports
nothing that is not Python's own.
"""

from __future__ import annotations

import itertools
import mmap
import os
import struct
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOM = 1 << 26  # bytes; only those that are written use disk space
_PAIR = struct.Struct("<qq")


class Ran(NamedTuple):
    """One call of a handler."""

    number: int
    at: int  # CLOCK_MONOTONIC, nanoseconds
    process: int


class Recorder:
    """Records the handler calls of one process, in a file of its own in `folder`."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._process = 0
        self._opening = threading.Lock()

    def _open(self, process: int) -> None:
        with open(f"{self._folder}/{process}", "w+b") as file:
            file.truncate(ROOM)
            self._map = mmap.mmap(file.fileno(), ROOM)
        self._next = itertools.count(0, _PAIR.size).__next__
        self._process = process

    def __call__(self, number: int) -> None:
        """Record that job `number` runs now, in this process."""
        at = time.monotonic_ns()
        process = os.getpid()
        if process != self._process:  # the first call here, or the first after a fork
            with self._opening:
                if process != self._process:
                    self._open(process)
        _PAIR.pack_into(self._map, self._next(), number, at)

    def ready(self) -> None:
        """Open the file before the first job, because opening it must not be measured."""
        self._open(os.getpid())


def calls(folder: Path) -> Iterator[Ran]:
    """All records of a folder; those of one process are in the order of its calls."""
    for file in folder.iterdir():
        with file.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
            filled = _filled(content)
            for number, at in _PAIR.iter_unpack(content[: filled * _PAIR.size]):
                if at:
                    yield Ran(number, at, int(file.name))


def count(folder: Path) -> int:
    """How many calls there have been so far; cheap enough to poll."""
    total = 0
    for file in folder.iterdir():
        if file.stat().st_size:
            with file.open("rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as content:
                total += _filled(content)
    return total


def _filled(content: mmap.mmap) -> int:
    """The number of records: they are written one after another, up to the first empty one."""
    low, high = 0, len(content) // _PAIR.size
    while low < high:
        middle = (low + high) // 2
        if _PAIR.unpack_from(content, middle * _PAIR.size)[1]:
            low = middle + 1
        else:
            high = middle
    return low
