"""
The health of a worker: whether it is alive, and whether it is ready to work.

An orchestrator restarts a worker that is not alive, so only a process that hangs is reported as such: a restart helps.
Restarting workers does not help if the database is slow or away: these workers are alive, but not ready.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Health:
    """
    How a worker is doing, with a sentence for each of its parts.

    `is_live`: its threads move, or sleep because there is nothing to do. `is_ready`: the database knows about it and
    answers, and it claims jobs.
    """

    is_live: bool
    is_ready: bool
    parts: Mapping[str, str]


@dataclass(frozen=True)
class Signs:
    """What can be seen of one thread and its connection from another thread."""

    is_resting: bool
    asks: str | None  # the statement that it is waiting for, if any
    seconds: float  # for how long it has been waiting; 0: it is making progress
    in_trouble: bool  # the database did not answer the last time

    @property
    def says(self) -> str:
        """
        The same in words.

        >>> Signs(False, "claim", 7.0, False).says, Signs(False, None, 40.0, False).says
        ('waits for the database to answer `claim`, for 7 s', 'has not moved for 40 s')
        >>> Signs(True, None, 40.0, False).says, Signs(False, None, 0.0, True).says
        ('has nothing to do', 'cannot reach the database; it tries again')
        """
        if self.in_trouble:
            return "cannot reach the database; it tries again"
        if self.asks is not None:
            return f"waits for the database to answer `{self.asks}`, for {self.seconds:.0f} s"
        if self.is_resting:
            return "has nothing to do"
        return "works" if self.seconds < SOON else f"has not moved for {self.seconds:.0f} s"


SOON = 3.0  # seconds without progress that do not matter
SLOW = 5.0  # seconds that an answer may take before the worker is not ready


def health_of(signs: Mapping[str, Signs], *, hangs: bool, is_known: bool, is_stopping: bool) -> Health:
    """
    How a worker is doing, from the signs of its threads; `hangs`: the guard says so; `is_known`: its row exists.

    >>> fine, slow = Signs(True, None, 9.0, False), Signs(False, "claim", 7.0, False)
    >>> health_of({"pump": slow, "keeper": fine}, hangs=False, is_known=True, is_stopping=False)
    Health(is_live=True, is_ready=False, parts={'pump': 'waits for the database to answer `claim`, for 7 s', \
'keeper': 'has nothing to do'})
    """
    parts = {name: one.says for name, one in signs.items()}
    if not is_known:
        parts["registration"] = "the database does not know this worker yet"
    if hangs:
        parts["process"] = "hangs: other workers take its jobs; restart it"
    if is_stopping:
        parts["worker"] = "is stopping: it takes no more jobs"
    slow = any(one.in_trouble or (one.asks is not None and one.seconds >= SLOW) for one in signs.values())
    return Health(not hangs, not (hangs or slow or is_stopping) and is_known, parts)
