"""
Counts how many of a lane were at work at a time: by looks at the database, and by when handlers began and ended.

`jobs` puts some of each kind of limit in, for the workers of `program.py`; `check` compares both counts with what
may be, once all jobs have come to their end.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping

from proletarian import NewJob
from tests.databases import PrivateDatabase
from tests.faults.books import outlasting
from tests.ledger import Entry, Ledger
from tests.limits.program import LIMITS

LANES = [("pair", 1), ("pair", 2), ("row", 1), ("row", 2)]


def jobs(count: int, queue: str | None = None) -> list[NewJob]:
    """So many of each lane; some come without it, as from another language."""
    made = [
        NewJob(
            name, {"account": account, "n": n}, lane=f"{name}:{account}" if n % 2 or name == "row" else None,
            queue=queue,
        )
        for n in range(count)
        for name, account in LANES
    ]  # fmt: skip
    pool = [NewJob(name, {"n": n}, lane="pool", queue=queue) for n in range(count // 2) for name in ("one", "other")]
    return made + pool


class Looks(threading.Thread):
    """Counts what runs of each lane, again and again, as the database has it; it waits while that is away."""

    def __init__(self, database: PrivateDatabase) -> None:
        super().__init__(daemon=True)
        self._database = database
        self.most: Counter[str] = Counter()
        self.count = 0
        self.over = threading.Event()

    def run(self) -> None:
        while not self.over.is_set():
            outlasting(self._look_on)

    def _look_on(self) -> None:
        table = self._database.table("running_job")
        with self._database.connection() as connection:
            while not self.over.wait(0.005):
                cursor = connection.cursor()
                cursor.execute(f"SELECT lane, count(*) FROM {table} WHERE lane > '' GROUP BY lane")
                for lane, count in cursor.fetchall():
                    self.most[lane] = max(self.most[lane], count)
                connection.commit()
                self.count += 1

    def end(self) -> None:
        """No more looks."""
        self.over.set()
        self.join()


def overlaps(entries: list[Entry], deaths: Mapping[int, float]) -> Counter[str]:
    """How many handlers of each lane were at work at the same moment, at the most."""
    events: list[tuple[float, int, str]] = []
    open_: dict[tuple[int, str, int], list[float]] = {}
    for entry in entries:
        if entry.what in ("lane.entered", "lane.left"):
            key = entry.pid, entry["lane"], entry["n"]
            if entry.what == "lane.entered":
                open_.setdefault(key, []).append(entry.at)
            else:
                events += [(open_[key].pop(0), 1, entry["lane"]), (entry.at, -1, entry["lane"])]
    for (pid, lane, _), begun in open_.items():
        events += [(at, 1, lane) for at in begun] + [(deaths[pid], -1, lane) for _ in begun]
    now: Counter[str] = Counter()
    most: Counter[str] = Counter()
    for _, change, lane in sorted(events):  # of one moment the ends come first
        now[lane] += change
        most[lane] = max(most[lane], now[lane])
    return most


def check(looks: Looks, ledger: Ledger, deaths: Mapping[int, float]) -> None:
    """No lane was ever over its limit, by either count, and the ordered ones began in order."""
    most = overlaps(ledger.entries(), deaths)
    began = len(ledger.entries("lane.entered"))
    print("looks", looks.count, "deaths", len(deaths), "began", began, dict(looks.most), dict(most))
    assert looks.count > 20
    for counted in (looks.most, most):
        for lane, at_once in counted.items():
            assert at_once <= LIMITS[lane.partition(":")[0]], (lane, at_once)
    assert max(most.values()) > 1, "some had company, or nothing was tried"
    for lane in ("row:1", "row:2"):
        begun = [entry["n"] for entry in ledger.entries("lane.entered", lane=lane)]
        assert begun == sorted(begun), lane
