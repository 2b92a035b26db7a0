"""
When a job in a child process has to end, and when its process is ended because it does not.

Decisions only; `children.py` carries them out.
"""

from __future__ import annotations

from asyncio import CancelledError
from math import inf
from typing import NamedTuple

from proletarian.errors import ProcessDied
from proletarian.worker.run import OVERDUE, STOPPED

LAST_GRACE = 0.3  # seconds, after the stop timeout is over


class Word(NamedTuple):
    """What to tell the child: why its job should end, and whether to cancel a coroutine."""

    why: str
    cancel: bool


class Vigil:
    """
    Watches one run; times are seconds since it started.

    >>> vigil = Vigil(limit=5.0, grace=1.0)
    >>> vigil.is_overdue(4.9), vigil.is_overdue(5.0)
    (False, True)
    >>> vigil.word(5.0, OVERDUE), vigil.word(5.1, OVERDUE)
    (Word(why='the job is over its time limit', cancel=False), None)
    >>> vigil.is_over(5.9), vigil.is_over(6.0), vigil.error
    (False, True, TimeoutError('over its time limit of 5.0 s'))
    """

    def __init__(self, *, limit: float | None = None, grace: float = 1.0, max_memory: int | None = None) -> None:
        self.error: BaseException | None = None  # the job's error, if its process is ended
        self._limit = limit
        self._grace = grace
        self._max_memory = max_memory
        self._until = inf
        self._said: Word | None = None

    def is_overdue(self, ran: float) -> bool:
        """Whether the time limit is exceeded."""
        return self._limit is not None and ran >= self._limit

    def word(self, ran: float, told: str | None, *, cancelled: bool = False, is_last: bool = False) -> Word | None:
        """
        What to tell the child, if there is something new.

        `told` is why the run should end, `cancelled` that somebody has cancelled its job, `is_last` that the stop
        timeout is over.
        """
        if told is None:
            return None
        overdue = self.is_overdue(ran)
        cancel = cancelled or is_last or told not in (STOPPED, OVERDUE)  # a coroutine enforces its time limit by itself
        if overdue or cancel:
            self._until = min(self._until, ran + (min(self._grace, LAST_GRACE) if is_last else self._grace))
            if self.error is None:
                self.error = self.timeout() if overdue else CancelledError()
        word = Word(told, cancel)
        if word == self._said:
            return None
        self._said = word
        return word

    def timeout(self) -> TimeoutError:
        """The error of a job that has exceeded its time limit."""
        return TimeoutError(f"over its time limit of {self._limit} s")

    def weigh(self, ran: float, memory: int | None) -> None:
        """Note how many bytes of memory the process uses."""
        if self.is_too_much(memory):
            self._until = ran
            self.error = ProcessDied(
                f"its process held {megabytes(memory)}, more than max_memory={self._max_memory} allows, and was killed"
            )

    def is_too_much(self, memory: int | None) -> bool:
        """Whether a process that uses so much memory must be replaced."""
        return self._max_memory is not None and memory is not None and memory > self._max_memory

    def is_over(self, ran: float) -> bool:
        """Whether the process must be ended now."""
        return ran >= self._until


def megabytes(amount: int | None) -> str:
    """
    An amount of memory, in words.

    >>> megabytes(512_000_000)
    '512 MB'
    """
    return f"{(amount or 0) / 1_000_000:.0f} MB"
