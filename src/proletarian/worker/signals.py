"""SIGTERM, SIGINT and SIGHUP: the first signal asks for a stop, the second one for an immediate stop."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any, ClassVar

from proletarian.errors import ConfigurationError

STOP = (signal.SIGTERM, signal.SIGINT, *((signal.SIGHUP,) if hasattr(signal, "SIGHUP") else ()))


class Signals:
    """
    While entered, counts the signals that ask for a stop.

    It only counts, because the handler runs between two steps of the main thread, which may hold the lock of the very
    event that the handler would set (and would then wait for itself).

    It also works as process 1 of a container, where signals without a handler are ignored.
    """

    apart: ClassVar[float] = 0.0  # seconds in which signals count as the same one: see `cli/supervising.py`

    def __init__(self) -> None:
        self.count = 0
        self._latest = float("-inf")
        self._before: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Signals:
        if threading.current_thread() is not threading.main_thread():
            raise ConfigurationError("Worker.run() belongs in the main thread; elsewhere use start() and stop()")
        for number in STOP:
            if number not in (signal.SIGTERM, signal.SIGINT) and signal.getsignal(number) is signal.SIG_IGN:
                continue  # started by nohup: the end of its terminal must not stop it
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        if now - self._latest >= self.apart:
            self.count, self._latest = self.count + 1, now
