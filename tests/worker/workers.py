"""Workers in this process, for tests that need no second one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from proletarian import Job, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.worker.recorder import Recorder


class Workers:
    """Workers in this process, on one database, that write their events to one recorder."""

    def __init__(self, database: PrivateDatabase, recorder: Recorder) -> None:
        self.database = database
        self.recorder = recorder

    def new(self, handler: Tasks | Callable[[Job], Any], /, **options: Any) -> Worker:
        """A worker that was not started."""
        return Worker(self.database.url, handler, **{"log": self.recorder, **options})

    @contextmanager
    def running(self, handler: Tasks | Callable[[Job], Any], /, **options: Any) -> Iterator[Worker]:
        """A worker that runs for as long as the `with` block lasts."""
        with self.new(handler, **options) as worker:
            yield worker

    def drain(self, handler: Tasks | Callable[[Job], Any], /, **options: Any) -> int:
        """Run what is due."""
        return self.new(handler, **options).drain()

    def archived(self, count: int = 1, seconds: float = 60.0) -> list[tuple[Any, ...]]:
        """(job type, status) of the archived jobs, once there are so many."""
        wait_until(lambda: self.database.count("archived_job") >= count, seconds, what=f"{count} archived jobs")
        return self.database.archive()
