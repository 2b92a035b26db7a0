"""
The register of the runs that a worker holds: each from its claim until its end is in the database.

Only the pump's thread enters runs and strikes them off. So its questions (is anything left? do we know this run?) have
reliable answers, whatever the threads and loops that run the jobs are doing. These only report how a run ended: that
goes into a tray, which the pump empties.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable
from itertools import repeat, starmap
from operator import itemgetter

from proletarian.outcomes import Outcome
from proletarian.worker.run import Run
from proletarian.worker.wake import Wake

End = tuple[Run, Outcome]
RUN = itemgetter(0)


class Held:
    """
    The runs of one worker.

    >>> held = Held()
    >>> len(held), held.under_way(), held.gather()
    (0, [], [])
    """

    def __init__(self) -> None:
        self.wake = Wake()  # wakes what empties the tray
        self._runs: set[Run] = set()
        self._tray: deque[End] = deque()

    # Called from any thread.

    def end(self, run: Run, outcome: Outcome) -> None:
        """Report how a run ended; called by whatever ran it, for every job."""
        run.ended_at = time.monotonic()
        self._tray.append((run, outcome))
        self.wake.wake()

    def under_way(self) -> list[Run]:
        """Those that have not ended; some of them may not have started."""
        return [run for run in self._runs.copy() if run.ended_at is None]

    def __len__(self) -> int:
        return len(self._runs)

    # Called from the pump's thread.

    def enter(self, runs: Iterable[Run]) -> None:
        """Add these; they are ours now."""
        self._runs.update(runs)

    def strike(self, runs: Iterable[Run]) -> None:
        """Remove these; they are no longer ours."""
        self._runs.difference_update(runs)

    def __contains__(self, run: Run) -> bool:
        return run in self._runs

    @property
    def has_ends(self) -> bool:
        """Whether any runs have ended since the last `gather`."""
        return bool(self._tray)

    def gather(self) -> list[End]:
        """The runs that have ended since the last call, except those that were given back in the meantime."""
        runs = self._runs
        ended = list(starmap(self._tray.popleft, repeat((), len(self._tray))))
        if runs.issuperset(map(RUN, ended)):  # nearly always, and checked without a Python loop
            return ended
        return [end for end in ended if end[0] in runs]

    def ids(self) -> set[int]:
        """Their run ids in the database."""
        return {run.row.run_id for run in self._runs}
