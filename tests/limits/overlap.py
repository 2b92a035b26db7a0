"""What ran at the same time, and in what order it began: by the clock of the handlers, whatever the database says."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Hashable, Iterator
from contextlib import contextmanager


class Overlap:
    """Counts the handlers that are at work, by key, and remembers when each began."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._now: defaultdict[Hashable, int] = defaultdict(int)
        self.most: defaultdict[Hashable, int] = defaultdict(int)
        self.began: list[tuple[float, Hashable, object]] = []

    @contextmanager
    def at_work(self, key: Hashable, what: object = None) -> Iterator[None]:
        """For as long as a handler is at work."""
        with self._lock:
            self._now[key] += 1
            self.most[key] = max(self.most[key], self._now[key])
            self.began.append((time.monotonic(), key, what))
        try:
            yield
        finally:
            with self._lock:
                self._now[key] -= 1

    def order(self, key: Hashable) -> list[object]:
        """What began, one after the other, of one key."""
        return [what for _, mine, what in self.began if mine == key]
