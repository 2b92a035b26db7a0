"""A pipe to wake a thread that sleeps on a selector."""

from __future__ import annotations

import contextlib
import os


class Wake:
    """
    Lets other threads end a sleep.

    `asleep` says whether anybody is there to be woken: setting it, looking once more for
    work, and only then sleeping leaves no gap for a wake-up to fall into.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self.asleep = False

    def fileno(self) -> int:
        """The end to select on."""
        return self._read

    def wake(self) -> None:
        """End the sleep, if there is one; called for every job that ends, so it costs a look otherwise."""
        if self.asleep:
            self.asleep = False
            with contextlib.suppress(OSError):  # full: readable already; closed: nobody sleeps
                os.write(self._write, b"!")

    def clear(self) -> None:
        """Make it unreadable again."""
        with contextlib.suppress(OSError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Give both ends back; a wake-up that comes later goes nowhere."""
        read, self._read = self._read, -1
        write, self._write = self._write, -1
        os.close(write)
        os.close(read)
