"""
Where handlers put requests to read from the database or write to it; the pump answers them.

A handler's thread waits for a future. Many requests are answered together in one transaction, like acknowledgements.
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from proletarian.errors import LeaseLost
from proletarian.worker.wake import Wake

if TYPE_CHECKING:
    from proletarian.worker.run import Run


@dataclass(eq=False)
class Ask:
    """What one run asks for: its steps ("load"), to keep a step ("keep"), or the results of others ("results")."""

    run: Run
    name: str | None = None
    text: str = ""
    kind: str = "load"
    answer: Future[Any] = field(default_factory=Future)


class AtDesk:
    """Where the steps of one run are kept: through the desk."""

    def __init__(self, desk: Desk, run: Run) -> None:
        self._desk = desk
        self._run = run

    def load(self) -> Future[Any]:
        """The steps that earlier runs kept."""
        return self._desk.ask(Ask(self._run))

    def keep(self, name: str, text: str) -> Future[Any]:
        """Keep another step."""
        return self._desk.ask(Ask(self._run, name, text, "keep"))


class Desk:
    """
    What was asked and has not been answered yet.

    >>> desk = Desk(Wake())
    >>> desk.close("the worker has ended")
    >>> desk.ask(Ask(None)).result()
    Traceback (most recent call last):
    proletarian.errors.LeaseLost: the worker has ended
    """

    def __init__(self, wake: Wake) -> None:
        self._wake = wake
        self._asked: deque[Ask] = deque()
        self._closed: str | None = None
        self._lock = threading.Lock()

    def ask(self, ask: Ask) -> Future[Any]:
        """From any thread: ask for something; returns a future for the answer."""
        with self._lock:
            if self._closed is None:
                self._asked.append(ask)
        if self._closed is not None:
            ask.answer.set_exception(LeaseLost(self._closed))
        self._wake.wake()
        return ask.answer

    def results(self, run: Run) -> Future[Any]:
        """From any thread: the results of the jobs that a run's job waited for."""
        return self.ask(Ask(run, kind="results"))

    @property
    def is_busy(self) -> bool:
        """Whether anything was asked."""
        return bool(self._asked)

    def taken(self) -> list[Ask]:
        """Everything that was asked, except what nobody waits for any more."""
        asked = [self._asked.popleft() for _ in range(len(self._asked))]
        return [ask for ask in asked if ask.answer.running() or ask.answer.set_running_or_notify_cancel()]

    def put_back(self, asks: list[Ask]) -> None:
        """Keep what could not be answered now."""
        self._asked.extend(asks)

    def close(self, why: str) -> None:
        """Answer nothing more; those that still wait are told why."""
        with self._lock:
            self._closed = why
        for ask in self.taken():
            ask.answer.set_exception(LeaseLost(why))


def lost(ask: Ask) -> LeaseLost:
    """What to tell a handler whose job is no longer its own."""
    row, job = ask.run.row, ask.run.job
    return LeaseLost(
        f"job {job.job_id if job else row.job_id} was taken back from this run ({row.run_id}): "
        f"its step {ask.name!r} is not stored, and its outcome no longer counts"
    )
