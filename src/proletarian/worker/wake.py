"""A pipe that wakes a thread sleeping on a selector."""

from __future__ import annotations

import contextlib
import os

from proletarian.errors import ProletarianError


class Wake:
    """
    Lets other threads end a sleep.

    `asleep` says whether anybody is there to be woken: setting it, looking for work once more, and only then sleeping
    leaves no gap in which a wake-up could be lost.
    """

    def __init__(self) -> None:
        self._read, self._write = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._write, False)
        self._pipe = os.fstat(self._read).st_ino  # of both ends
        self.asleep = False

    def fileno(self) -> int:
        """The file descriptor to select on."""
        return self._read

    def wake(self) -> None:
        """End the sleep, if there is one; called for every job that ends, so otherwise it costs only a check."""
        if self.asleep:
            self.asleep = False
            with contextlib.suppress(OSError):  # if it is full, it is readable already; if it is closed, nobody sleeps
                os.write(self._write, b"!")

    def check(self) -> None:
        """Raise if somebody has closed it, as code does that turns its process into a daemon."""
        if not (self._is_ours(self._read) and self._is_ours(self._write)):
            raise ProletarianError(
                "file descriptors of this worker were closed (a handler that calls os.closerange, or turns its process "
                "into a daemon?): it cannot continue"
            )

    def _is_ours(self, file: int) -> bool:
        try:
            return os.fstat(file).st_ino == self._pipe
        except OSError:
            return False

    def clear(self) -> None:
        """Make it unreadable again."""
        with contextlib.suppress(OSError):
            os.read(self._read, 4096)

    def close(self) -> None:
        """Close both ends; a later wake-up has no effect."""
        read, self._read = self._read, -1
        write, self._write = self._write, -1
        for end in (write, read):
            if self._is_ours(end):  # not another file that has its number now
                os.close(end)
