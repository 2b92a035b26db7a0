"""What could not be written about unique keys because they were locked: the keeper waits for these locks."""

from __future__ import annotations

import time
from collections.abc import Iterable

from proletarian.sql.keys import Mark


class Keys:
    """
    Marks, and the time from which each may be written. The first note about a mark counts.

    >>> keys = Keys()
    >>> keys.note([Mark("digest:42", 1, 0)], after=5.0)
    >>> keys.due(time.monotonic()), len(keys.due(time.monotonic() + 6))
    ([], 1)
    """

    def __init__(self) -> None:
        self._due: dict[Mark, float] = {}

    def note(self, marks: Iterable[Mark], after: float = 0.0) -> None:
        """Have these written, so many seconds from now."""
        for mark in marks:
            self._due.setdefault(mark, time.monotonic() + after)

    def due(self, now: float) -> list[Mark]:
        """Those that may be written now."""
        return [mark for mark, due in list(self._due.items()) if now >= due]

    def written(self, mark: Mark) -> None:
        """This one has been written."""
        self._due.pop(mark, None)
