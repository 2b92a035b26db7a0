"""How a running handler learns that it should stop."""

from __future__ import annotations

import threading

from proletarian.times.durations import Duration, in_seconds


class Stopping:
    """
    Tells a running handler that it should stop; check it between two steps.

    It is set when the worker stops, when the job is over its time limit, when the job was
    taken back from this worker, and when somebody has cancelled it: `why` says which, and is
    "cancelled" for the last. It has `is_set()` and `wait(timeout)`, like a `threading.Event`.

    >>> Stopping().is_set()
    False
    """

    # One is made for every run: it gets an Event's lock and condition only when somebody waits.
    __slots__ = ("_event", "_why", "was_heard")
    _making = threading.Lock()

    def __init__(self) -> None:
        self._why: str | None = None
        self._event: threading.Event | None = None
        self.was_heard = False  # the handler has looked at it since it was set

    @property
    def why(self) -> str | None:
        """Why the handler should stop, if it should."""
        if self._why is not None:
            self.was_heard = True
        return self._why

    def is_set(self) -> bool:
        """Whether the handler should stop."""
        return self.why is not None

    def wait(self, timeout: Duration | None = None) -> bool:
        """Sleep up to `timeout` (seconds or a timedelta), less if told to stop; returns whether it was."""
        seconds = None if timeout is None else in_seconds(timeout, "timeout", negative=True)
        with Stopping._making:
            if self._event is None:
                self._event = threading.Event()
            if self._why is not None:
                self._event.set()
        told = self._event.wait(seconds)
        self.was_heard |= told
        return told

    def set(self, why: str) -> None:
        """Tell the handler; the first reason stays."""
        with Stopping._making:
            self._why = self._why or why
            if self._event is not None:
                self._event.set()
