"""
The dock: suspects wait here until their worker holds nothing else, and then run one by one.

A suspect is a job with which two workers have died, each time along with other jobs. Its row says "alone" before its
handler starts. If the worker dies then, it was this job and no other that killed it; if the worker lives, the job is
cleared. The worker divides its time: after suspects have had it for a while, other jobs get it for as long, and no job
waits an hour because a suspect takes an hour.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Collection, Mapping, Sequence

from proletarian.connections.session import Session
from proletarian.sql.dialect import Dialect
from proletarian.sql.progress import set_apart
from proletarian.worker.blame import ALONE, BESIDE, patience
from proletarian.worker.hands.slots import Slots
from proletarian.worker.held import Held
from proletarian.worker.run import Run
from proletarian.worker.runner import Runner

SESSION = 5.0  # seconds for suspects before others get their turn
PAUSE = 1.0  # seconds for the others, at least
IDLE = 0.1  # seconds after which it is clear that there are no other jobs
IN_HAND = 10.0  # seconds after which suspects that still wait are given back, for other workers to try
MOST = 1000  # suspects in one worker's hands
OVERFLOW = 10.0  # seconds for which suspects beyond that are put back, because other jobs are behind them


class Dock:
    """The suspects of one worker; used in the pump's thread."""

    def __init__(
        self, session: Session, dialect: Dialect, runner: Runner, held: Held, slots: Mapping[str, Slots]
    ) -> None:
        self._session = session
        self._dialect = dialect
        self._runner = runner
        self._held = held
        self._slots = slots
        self._waiting: deque[Run] = deque()
        self._alone: Run | None = None
        self._alone_until = 0.0
        self._since: float | None = None  # since when others have been kept away
        self._has_run = False
        self._others_since = self._others_until = float("-inf")

    @property
    def keeps_others_away(self) -> bool:
        """Whether no other jobs may be claimed now."""
        return self._since is not None

    @property
    def is_busy(self) -> bool:
        """Whether it needs a turn soon."""
        return self._since is not None or bool(self._waiting)

    def put(self, runs: Sequence[Run]) -> None:
        """Take in suspects."""
        self._waiting.extend(runs)

    def overflow(self) -> list[Run]:
        """Take out those beyond `MOST`."""
        return [self._waiting.pop() for _ in range(len(self._waiting) - MOST)]

    def withdrawn(self, queues: Collection[str]) -> list[Run]:
        """Take out those of these queues, because they are paused."""
        taken = [run for run in self._waiting if run.row.queue in queues]
        if taken:
            gone = set(taken)
            self._waiting = deque(run for run in self._waiting if run not in gone)
        return taken

    def taken_back(self, *, all_of_them: bool) -> list[Run]:
        """
        Those to give back: all, or those held for too long, except the first, whose turn is next.

        Also those that are no longer ours, because we were declared dead.
        """
        limit = float("inf") if all_of_them else time.monotonic() - IN_HAND
        kept: deque[Run] = deque()
        taken: list[Run] = []
        for n, run in enumerate(self._waiting):
            is_due = run.claimed_at <= limit and (all_of_them or n)
            (taken if is_due or run.told else kept).append(run)
        self._waiting = kept
        return taken

    def turn(self, now: float) -> None:
        """Start the next one, if it is time."""
        if self._alone is not None and not self._is_through(now):
            return
        if not self._waiting:
            self._end_session(now)
            return
        is_empty = not any(slots.held for slots in self._slots.values())
        if self._since is None:
            idle = is_empty and now >= self._others_since + IDLE
            if now < self._others_until and not idle:
                return
            self._since = now
        if self._has_run and now >= self._since + SESSION:
            self._end_session(now)
            return
        run = self._waiting[0]
        if is_empty:
            self._start(run, ALONE, now)
        elif now >= self._since + patience(run.row.suspect) and self._slots[run.row.queue].has_room:
            self._start(run, BESIDE, now)  # something here takes long, and no job may wait forever
            self._end_session(now)

    def _is_through(self, now: float) -> bool:
        """Whether the run that is alone has ended, or has been alone for long enough."""
        run = self._alone
        assert run is not None  # noqa: S101
        if run.ended_at is None and run in self._held:
            if now < self._alone_until:
                return False
            self._mark(run, BESIDE)  # before other jobs are claimed
            self._end_session(now)
        self._alone = None
        return True

    def _start(self, run: Run, how: int, now: float) -> None:
        self._mark(run, how)
        known = self._runner.jobs.known(run)
        self._runner.log("job.run_apart", {**known, "alone": how == ALONE, "suspect": run.row.suspect})
        if run.told:
            return  # taken back in the meantime, because we were declared dead
        self._waiting.popleft()
        self._has_run = True
        run.claimed_at = now
        if how == ALONE:
            self._alone, self._alone_until = run, now + patience(run.row.suspect)
        self._slots[run.row.queue].put([run])

    def _mark(self, run: Run, how: int) -> None:
        self._session.insist(set_apart, self._dialect, run.worker_id, run.row.run_id, how)

    def _end_session(self, now: float) -> None:
        if self._since is not None:
            self._others_since, self._others_until = now, now + max(PAUSE, now - self._since)
            self._since, self._has_run = None, False
