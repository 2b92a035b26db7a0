"""The progress that running jobs have reported, until it is written to the database."""

from __future__ import annotations

from typing import Any


class Progress:
    """
    Only the latest note of each run is kept, so a job may report as often as it likes.

    >>> progress = Progress()
    >>> progress.note("ann", 1, "10 %")
    >>> progress.note("ann", 1, "20 %")
    >>> progress.taken(), progress.taken()
    ({'ann': {1: '20 %'}}, {})
    """

    def __init__(self) -> None:
        self._notes: dict[tuple[Any, int], str] = {}

    def note(self, worker_id: Any, run_id: int, text: str) -> None:
        """Have it written soon."""
        self._notes[worker_id, run_id] = text

    def taken(self) -> dict[Any, dict[int, str]]:
        """The notes since last taken, by worker and run."""
        notes, self._notes = self._notes, {}
        by_worker: dict[Any, dict[int, str]] = {}
        for (worker_id, run_id), text in list(notes.items()):
            by_worker.setdefault(worker_id, {})[run_id] = text
        return by_worker
