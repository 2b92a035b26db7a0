"""Chores: what has to be done from time to time, by any worker of the fleet."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proletarian.connections.session import Session
from proletarian.sql.statements import Plan

SOON = 0.5  # seconds until a chore that has not finished is continued


@dataclass
class Chore:
    """
    A plan that a fleet carries out at intervals; its result says whether there is something left to do.

    The larger the fleet, the less often each worker does it, so the load on the database stays the same.
    """

    every: float
    plan: Callable[[], Plan[bool]]
    due: float = 0.0  # monotonic


class Rota:
    """The chores of one worker. What it cannot do now, because of somebody's lock, is left for the next time."""

    def __init__(self, session: Session, chores: Sequence[Chore]) -> None:
        self._session = session
        self._chores = chores

    def turn(self, fleet: int) -> None:
        """Do the chores that are due."""
        for chore in self._chores:
            now = time.monotonic()
            if now >= chore.due:
                pause = SOON if self._session.once(chore.plan) else chore.every * fleet
                chore.due = now + about(pause)


def about(seconds: float) -> float:
    """About that long, so that workers that started together do not stay in step."""
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 (spread, no secret)
