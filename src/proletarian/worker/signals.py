"""SIGTERM and SIGINT: the first asks for a stop, the second for one at once."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any

from proletarian.errors import ConfigurationError

STOP = (signal.SIGTERM, signal.SIGINT)


class Signals:
    """
    While entered, counts the signals that ask for a stop.

    Counting is all: the handler runs between two steps of the main thread, which may just hold
    the lock of the very event that one would like to set (and would then wait for itself).

    Works as process 1 of a container too, where signals without a handler are ignored.
    """

    def __init__(self) -> None:
        self.count = 0
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            raise ConfigurationError("Worker.run() belongs in the main thread; elsewhere use start() and stop()")
        for number in STOP:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        self.count += 1
