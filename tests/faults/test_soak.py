"""
Everything at random, for as long as one likes: `make soak MINUTES=…`.

Workers are killed, frozen and told to stop; the server's sessions are killed, its tables are
locked, and the server itself is restarted and killed. After each round the books must balance.
Seeded, and the seed is in each message: PROLETARIAN_SOAK_SEED=… makes the same choices again.
"""

from __future__ import annotations

import contextlib
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from servers import Server
from tests.conftest import server_url
from tests.databases import PRODUCTS, PrivateDatabase, new_server
from tests.faults.books import Books
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 0.5, "lost_after": 3.0}
JOBS, FAULTS, CREW = 300, 10, 4
PRODUCTS_CHOSEN = os.environ.get("PROLETARIAN_SOAK_PRODUCTS", " ".join(PRODUCTS)).split()
SESSIONS = {
    "postgresql": (
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        "SELECT pg_terminate_backend({})",
    ),
    "mysql": (
        "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
        "KILL {}",
    ),
}


@dataclass
class Scene:
    """A database, its server if it has one, and the workers on it."""

    database: PrivateDatabase
    server: Server | None
    crew: Fleet
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)

    def faults(self) -> list[str]:
        """What can be done to it."""
        here = ["kill", "freeze", "stop"]
        return [*here, "cut_sessions", "lock_table", "restart_server", "kill_server"] if self.server else here

    def hurt(self) -> None:
        """One fault; whoever ends is replaced."""
        fault = self.chance.choice(self.faults())
        getattr(self, fault)()
        self.done[fault] += 1
        while len(self.alive()) < CREW:
            self.crew.start(self.database, wait=False, **CARE)

    def alive(self) -> list[Any]:
        """The workers whose process has not ended."""
        return [worker for worker in self.crew.workers if worker.process.poll() is None]

    def kill(self) -> None:
        """A worker."""
        self.chance.choice(self.alive()).kill()

    def freeze(self) -> None:
        """A worker, for longer than its heartbeat may be late, and let it go on."""
        victim = self.chance.choice(self.alive())
        victim.freeze()
        time.sleep(CARE["lost_after"] * 1.5)
        victim.thaw()

    def stop(self) -> None:
        """A worker, as a deploy does."""
        victim = self.chance.choice(self.alive())
        victim.tell()
        victim.wait(60)

    def cut_sessions(self) -> None:
        """All sessions but one's own."""
        look, kill = SESSIONS[self.database.kind]
        for (session,) in self.database.rows(look):
            with contextlib.suppress(Exception):  # it has just ended
                self.database.rows(kill.format(session))

    def lock_table(self) -> None:
        """As somebody's ALTER TABLE does."""
        table = self.database.table(self.chance.choice(["job", "running_job", "archived_job", "worker"]))
        with self.database.connection() as connection:
            sql = f"LOCK TABLE {table}" if self.database.kind == "postgresql" else f"LOCK TABLES {table} WRITE"
            connection.cursor().execute(sql)
            time.sleep(self.chance.uniform(0.5, 4.0))

    def restart_server(self) -> None:
        """In good order."""
        assert self.server is not None
        self.server.restart()

    def kill_server(self) -> None:
        """With all its processes."""
        assert self.server is not None
        self.server.kill()
        time.sleep(self.chance.uniform(0.0, 5.0))
        self.server.start()


@pytest.fixture(params=PRODUCTS_CHOSEN)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[PrivateDatabase, Server | None]]:
    """A database on a server of its own."""
    if request.param == "sqlite":
        yield PrivateDatabase("sqlite", f"sqlite:///{tmp_path}/jobs.db"), None
        return
    server_url(request.param)  # skips where there is none
    with new_server(request.param) as server:
        yield PrivateDatabase(request.param, server.url), server


@pytest.mark.skipif("PROLETARIAN_SOAK_MINUTES" not in os.environ, reason="takes minutes: make soak MINUTES=…")
def test_soak(place: tuple[PrivateDatabase, Server | None], crew: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    database, server = place
    database.migrate()
    minutes = float(os.environ["PROLETARIAN_SOAK_MINUTES"])
    seed = int(os.environ.get("PROLETARIAN_SOAK_SEED") or time.time())
    end = time.monotonic() + minutes * 60 / len(PRODUCTS_CHOSEN)
    rounds, jobs, repeated, faults = 0, 0, 0, Counter[str]()
    while time.monotonic() < end:
        database.empty()
        books = Books(database, seed).open()
        scene = Scene(database, server, crew, random.Random(seed))
        for _ in range(CREW):
            crew.start(database, wait=False, **CARE)
        crew.ledger.wait_for("worker.started", 60, count=CREW)
        producer = threading.Thread(target=books.produce, args=[JOBS, 0.02])
        producer.start()
        for _ in range(FAULTS):
            time.sleep(scene.chance.uniform(0.1, 1.0))
            scene.hurt()
        producer.join()
        wait_until(lambda books=books: books.done, 120, what=f"the end of all jobs (seed {seed})")  # type: ignore[misc]
        try:
            repeated += books.balance(losses=True, told=crew.ledger)
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {dict(scene.done)}: {error}") from error
        rounds, jobs, faults, seed = rounds + 1, jobs + len(books.put_in), faults + scene.done, seed + 1
        crew.end()
        crew.workers.clear()
        crew.ledger.path.unlink()
    with capsys.disabled():
        print(f"\n{database.product}: {rounds} rounds, {jobs} jobs, {repeated} runs repeated, faults: {dict(faults)}")
