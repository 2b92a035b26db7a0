"""Ends a process whose stop hangs, for example in a log that nobody reads."""

from __future__ import annotations

import contextlib
import os
import threading
from types import TracebackType

from proletarian.drivers.driver import writable

EXIT_CODE = 71


class LastResort:
    """While entered, ends the process after `seconds`: no exit handlers run, and nothing is flushed."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        with contextlib.suppress(RuntimeError):  # no memory for another thread: the stop continues without it
            self._timer.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        said = f"proletarian: the stop has not ended in {self._seconds:g} s; ending the process\n"
        with contextlib.suppress(OSError):
            if writable(2):  # a full pipe would hold us up as well
                os.write(2, said.encode())
        os._exit(EXIT_CODE)
