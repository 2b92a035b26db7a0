"""The survey that the overview and the pages of queues and workers share: one look for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from proletarian.drivers.driver import OwnConnection
from proletarian.looking.surveying import list_workers, queue_stats
from proletarian.looking.surveys import Minute, QueueStats, WorkerRecord
from proletarian.sql import finding
from proletarian.sql.statements import Plan
from proletarian.web.asking import Ask
from proletarian.web.desk import Desk
from proletarian.web.ledger import DAY, Ledger, rate

MOST_COUNTED = 10_000
HOUR = 60  # minutes
RECENT = 6  # minutes that a rate is computed from, without the current one


@dataclass(frozen=True)
class Survey:
    """The result of one look."""

    now: datetime
    queues: Sequence[QueueStats]
    workers: Sequence[WorkerRecord]
    minutes: Sequence[Minute | None]  # of the last day, oldest first

    @property
    def alive(self) -> list[WorkerRecord]:
        """The workers that are alive."""
        return [worker for worker in self.workers if worker.is_alive]

    @property
    def dead(self) -> list[WorkerRecord]:
        """The workers that are not."""
        return [worker for worker in self.workers if not worker.is_alive]

    @property
    def running(self) -> int:
        """How many jobs are running."""
        return sum(queue.running for queue in self.queues)

    @property
    def hour(self) -> Sequence[Minute | None]:
        """The minutes of the last hour."""
        return self.minutes[-HOUR:]

    @property
    def hours(self) -> list[tuple[int, int] | None]:
        """For each of the last 24 hours: how many jobs ended, and how many of them failed; None: not counted yet."""
        found: list[tuple[int, int] | None] = []
        for start in range(0, DAY, HOUR):
            known = [minute for minute in self.minutes[start : start + HOUR] if minute is not None]
            whole = len(known) == HOUR
            found.append((sum(m.ended for m in known), sum(m.failed for m in known)) if whole else None)
        return found

    @property
    def hours_ended(self) -> list[int | None]:
        """How many jobs ended in each hour, for a chart."""
        return [None if hour is None else hour[0] for hour in self.hours]

    @property
    def hours_failed(self) -> list[int]:
        """How many of them failed."""
        return [0 if hour is None else hour[1] for hour in self.hours]

    def rate(self, queue: str | None = None) -> float | None:
        """How many jobs ended per minute recently."""
        return rate(self.minutes[-RECENT:], queue)

    def ended(self, queue: str) -> list[int | None]:
        """How many jobs of a queue ended in each minute of the last hour."""
        return [None if minute is None else int(minute.queues.get(queue, 0)) for minute in self.hour]

    def failures(self) -> int:
        """How many jobs failed for good within the last hour."""
        return sum(int(minute.failed) for minute in self.hour if minute is not None)


def surveyed(ask: Ask) -> Survey:
    """Take a survey."""
    return ask.desk.look_with(lambda connection: survey(ask.desk, connection))


def survey(desk: Desk, connection: OwnConnection) -> Plan[Survey]:
    """The same, as a plan; if no statement can say which workers' locks are free, the connection does."""
    now = yield from finding.time(desk.dialect, desk.queue.now())
    queues = yield from queue_stats(desk.queue, desk.kind, most=MOST_COUNTED, free=connection.free)
    workers = yield from list_workers(desk.queue, desk.kind, free=connection.free)
    ledger: Ledger = desk.ledger
    yield from ledger.fill(desk.dialect, now)
    return Survey(now, queues, workers, ledger.minutes(now, DAY))
