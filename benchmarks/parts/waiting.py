"""Jobs that mostly wait: coroutines of 100 ms, a thousand at a time in one process, and the connections they use."""

from __future__ import annotations

import threading

import psycopg

from benchmarks.contestants import OURS_PG
from benchmarks.drained import worked_off
from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SLOTS, SECONDS = 1000, 0.1
OURS = OURS_PG.having(
    "waiting", f"**Proletarian**, {SLOTS:,} slots", task="anap", seconds=SECONDS, worker={"queues": {"default": SLOTS}}
)


def measure(run: Run) -> list[Found]:
    """First as many jobs as slots, then ten times as many; the best possible rate is slots / seconds."""
    found: list[Found] = []
    connections = Table(
        "waiting-connections",
        f"Most database connections of a worker with {SLOTS:,} slots",
        "connections",
        ours=OURS.label,
        more_is_better=False,
        goals=[Goal(None, 3, at_most=True)],
    )
    with store("postgresql", run.folder) as postgresql:
        for jobs in (SLOTS, 10 * SLOTS):
            table = Table(
                f"waiting-{jobs}",
                f"{jobs:,} coroutines that each wait 100 ms, {SLOTS:,} slots, 1 worker process",
                "jobs/s",
                ours=OURS.label,
                goals=[Goal(None, 0.8 * SLOTS / SECONDS)],
                notes=[f"{SLOTS / SECONDS:,.0f}/s would be a worker without any overhead."],
            )

            def one(stage: Stage, jobs: int = jobs, table: Table = table) -> None:
                stage.call("bulk", jobs, 1000)
                stage.store.settle()
                with Watched(stage.store.url) as watched:
                    table.add(stage.contestant.label, worked_off(stage, jobs).rate)
                connections.add(stage.contestant.label, watched.most)

            run.in_turn((OURS,), postgresql, one, f"waiting, {jobs:,} jobs")
            found.append(table)
    return [*found, connections]


class Watched:
    """The most connections that the worker has while the block lasts."""

    SQL = "SELECT count(*) FROM pg_stat_activity WHERE datname = 'bench' AND application_name = 'proletarian'"

    def __init__(self, url: str) -> None:
        self.most = 0
        self._connection = psycopg.connect(url, autocommit=True)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch)

    def __enter__(self) -> Watched:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        self._connection.close()

    def _watch(self) -> None:
        while not self._over.wait(0.05):
            row = self._connection.execute(self.SQL).fetchone()
            assert row is not None
            self.most = max(self.most, row[0])
