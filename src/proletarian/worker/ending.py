"""How a worker ends by itself, if it does."""

from __future__ import annotations

import threading

from proletarian.events import Log


class Ending:
    """
    Drained, or a failure: reported by the worker's threads, awaited by what started it.

    >>> ending = Ending(lambda event, data: print(event, data["error"]))
    >>> ending.failed(ValueError("the right was revoked"))
    worker.failed the right was revoked
    >>> ending.came.is_set(), ending.failure
    (True, ValueError('the right was revoked'))
    """

    def __init__(self, log: Log) -> None:
        self.came = threading.Event()
        self.failure: BaseException | None = None  # the first one, which tells the reason
        self._log = log

    def drained(self) -> None:
        """Nothing is due any more."""
        self.came.set()

    def failed(self, error: BaseException) -> None:
        """One of the threads cannot go on."""
        self.failure = self.failure or error
        self._log("worker.failed", {"error": error})
        self.came.set()
