"""
The chore that deletes what has been in the archive for long enough.

For each age at which something is deleted, it goes through the archive once, in the order of time: it looks at what has
just reached that age, and deletes what is not kept any longer. So each time it reads only a stretch of the archive,
however large the archive is, and however few of its jobs are deleted.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from msgspec import UNSET

from proletarian.retention import FOR_EVER, Keep, Retention
from proletarian.sql.dialect import Dialect
from proletarian.sql.pruning import delete, ended
from proletarian.sql.statements import Plan
from proletarian.tasks import Tasks
from proletarian.transit import TransitSerializer
from proletarian.worker.keeping.membership import Care
from proletarian.worker.keeping.rota import Chore

EVERY = 10.0  # seconds, for the whole fleet
MOST = 5000  # rows in one look
LOOKS = 60  # in one turn for each age, if they find little
AGAIN = 86400.0  # seconds after which it starts again, for jobs that were locked, or were inserted later
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
LEAST, LONGEST = timedelta(milliseconds=1), timedelta(days=10_000)
OVERLAP = timedelta(seconds=2)  # jobs that ended then may have been committed only now


@dataclass
class Walk:
    """How far the pruning for one age has come, and how long a stretch, and how many rows, one look can take."""

    at: datetime = BEGINNING
    stretch: timedelta = timedelta(days=1)
    most: int = field(default_factory=lambda: MOST)
    is_level: bool = False  # it has caught up with what reaches that age
    began: float = field(default_factory=time.monotonic)

    def go_on(self, dialect: Dialect, age: float, retention: Retention, end: datetime) -> Plan[bool]:
        """Look at what has reached this age since the last time; returns whether there is more to do."""
        if self.at >= end and time.monotonic() - self.began > AGAIN:
            self.at, self.began = BEGINNING, time.monotonic()
        at = max(BEGINNING, self.at - OVERLAP) if self.is_level else self.at
        seen = 0
        for _ in range(LOOKS):
            until = min(at + self.stretch, end)
            if until <= at:
                break
            found = yield from ended(dialect, at, until, self.most)
            doomed = [job_id for job_id, job_type, status in found if _is_over(retention.of(job_type, status), age)]
            if doomed:
                yield from delete(dialect, doomed, until)
            if len(found) < self.most:
                self.at = at = until
                self.most = MOST
                if len(found) < MOST / 4:
                    self.stretch = min(self.stretch * 2, LONGEST)
            elif len(doomed) < len(found):
                self._narrow()
            seen += len(found)
            if len(doomed) >= MOST / 4 or seen >= 4 * MOST:
                break
        self.is_level = self.at >= end
        return not self.is_level

    def _narrow(self) -> None:
        """Narrow the stretch: it has more rows than one look takes, and some stay, so a new look would see the same."""
        if self.stretch > LEAST:
            self.stretch /= 16
        else:
            self.most *= 2  # one statement has ended all of them, at the same instant


def _is_over(kept: float | None, age: float) -> bool:
    return kept is not None and kept <= age


def retention_of(tasks: Tasks, care: Care) -> Retention:
    """
    What a worker of these tasks deletes, and when.

    Jobs of types that it does not know belong to another application, and stay, unless the worker itself was told how
    long to keep jobs. In tables shared with Clojure, nothing is deleted that nobody has asked for.
    """
    said = tasks.keep or (FOR_EVER if isinstance(tasks.queue.serializer, TransitSerializer) else Keep())
    told = care.keep_succeeded, care.keep_failed
    own = said.succeeded, said.failed
    others = Keep(*(mine if here is UNSET else here for mine, here in zip(own, told, strict=True)))
    by_type = {name: task.rules.keep for name, task in tasks.items() if task.rules.keep is not None}
    known = None if told != (UNSET, UNSET) else tasks.job_types()
    return Retention(by_type, others, lambda job_type: known is None or job_type in known)


def pruning(dialect: Dialect, retention: Callable[[], Retention], now: Callable[[], datetime]) -> Chore:
    """Delete archived jobs that were kept for long enough."""
    walks: dict[float, Walk] = {}

    def plan() -> Plan[bool]:
        kept = retention()
        is_full = False
        for age in kept.ages:
            walk = walks.setdefault(age, Walk())
            is_full |= yield from walk.go_on(dialect, age, kept, now() - timedelta(seconds=age))
        return is_full

    return Chore(EVERY, plan)
