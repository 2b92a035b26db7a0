"""
Everything at random, for as long as one likes on each database: `make soak MINUTES=…`.

Workers are killed, frozen and told to stop; jobs that kill their workers come among the others; the server's
sessions are killed, and connecting takes long; its tables are locked, its clock steps; it is restarted and
killed; connections hear nothing more, and machines lose their power. After each round the books must balance,
no innocent job may have failed, nobody who lives have been buried, and nobody have told what is not so.
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
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from proletarian import Queue
from tests.conftest import server_url
from tests.databases import PRODUCTS, PrivateDatabase
from tests.faults.books import POISON, Books
from tests.faults.clocks import Steerable, steerable
from tests.faults.innocence import on_machines_of_their_own
from tests.faults.network import Proxy
from tests.faults.sessions import holders, kill, kill_all
from tests.waiting import wait_until
from tests.worker.fleet import Fleet

CARE: dict[str, Any] = {"queues": {"default": 4}, "heartbeat": 2.0, "lost_after": 24.0}
JOBS, FAULTS, CREW = 300, 10, 4
SLOWLY, STEP = 1.5, 120  # seconds that connecting takes; by which the clock is put
MINUTES = float(os.environ.get("PROLETARIAN_SOAK_MINUTES", 0))
PRODUCTS_CHOSEN = os.environ.get("PROLETARIAN_SOAK_PRODUCTS", " ".join(PRODUCTS)).split()


@dataclass
class Scene:
    """A database, its server and the proxy before it if it has one, and the workers on it."""

    database: PrivateDatabase
    server: Steerable | None
    proxy: Proxy | None
    crew: Fleet
    books: Books
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    stood_still: set[int] = field(default_factory=set)  # processes that were frozen: those may be declared dead
    _clock: int = 0

    def faults(self) -> list[str]:
        """What can be done to it."""
        here = ["kill", "freeze", "stop", "poison"]
        if self.server is None:
            return here
        return [
            *here, "cut_sessions", "cut_slowly", "lock_table", "restart_server", "kill_server", "freeze_sockets",
            "lose_power", "step_clock",
        ]  # fmt: skip

    @property
    def seen_by_workers(self) -> PrivateDatabase:
        """The database as the workers reach it."""
        return replace(self.database, url=self.proxy.url) if self.proxy else self.database

    def hurt(self) -> None:
        """One fault."""
        fault = self.chance.choice(self.faults())
        getattr(self, fault)()
        self.done[fault] += 1
        self.keep_up()

    def keep_up(self) -> None:
        """Whoever has ended is replaced, as a supervisor does."""
        while len(self.alive()) < CREW:
            self.crew.start(self.seen_by_workers, wait=False, handlers_url=self.database.url, **CARE)

    def is_done(self) -> bool:
        """Whether all jobs have come to their end."""
        self.keep_up()
        return self.books.done

    def left(self) -> str:
        """What there still is, for whoever has to find out why."""
        columns = {
            "job": "job_id, job_type, payload, process_at, attempts, lost, suspect",
            "running_job": "job_id, job_type, payload, worker_id, started_at, lost, suspect, apart",
            "worker": "worker_id, pid, seen_at, liveness_lock, pump_lock, process",
        }
        rows = [
            f"{name}: {row}"
            for name, these in columns.items()
            for row in self.database.rows(f"SELECT {these} FROM {self.database.table(name)}")
        ]
        told = [entry for entry in self.crew.ledger.entries() if not entry.what.startswith(("jobs.claimed", "job.s"))]
        alive = [worker.pid for worker in self.alive()]
        return "\n".join([*rows, f"alive: {alive}", *map(str, told[-60:])])

    def alive(self) -> list[Any]:
        """The workers whose process has not ended."""
        return [worker for worker in self.crew.workers if worker.process.poll() is None]

    def victim(self) -> Any:
        """One of them."""
        self.keep_up()
        return self.chance.choice(self.alive())

    def kill(self) -> None:
        """A worker."""
        self.victim().kill()

    def freeze(self) -> None:
        """A worker, for longer than its heartbeat may be late, and let it go on."""
        victim = self.victim()
        self.stood_still.add(victim.pid)
        victim.freeze()
        time.sleep(CARE["lost_after"] * 1.2)
        victim.thaw()

    def stop(self) -> None:
        """A worker, as a deploy does."""
        victim = self.victim()
        victim.tell()
        victim.wait(60)

    def poison(self) -> None:
        """A job that kills each worker that runs it."""
        with contextlib.suppress(Exception):  # the database may be away; then the books look up what has become of it
            self.books.put(POISON)

    def cut_sessions(self) -> None:
        """All sessions but one's own."""
        kill_all(self.database)

    def cut_slowly(self) -> None:
        """Those of all keepers, or all pumps; and connecting takes long. No worker sees another one's process."""
        assert self.proxy is not None
        on_machines_of_their_own(self.database)
        self.proxy.delay = SLOWLY
        lock = self.chance.choice(["liveness_lock", "pump_lock"])
        kill(self.database, *holders(self.database, lock).values())
        time.sleep(self.chance.uniform(SLOWLY, 3 * SLOWLY))
        self.proxy.delay = 0.0

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

    def freeze_sockets(self) -> None:
        """Some connections stay open and hear nothing more, for ever."""
        assert self.proxy is not None
        ports = self.proxy.ports
        self.proxy.freeze(self.chance.sample(ports, min(3, len(ports))))

    def lose_power(self) -> None:
        """All of them, and for some seconds nobody can connect; the workers' machines die, as the server sees it."""
        assert self.proxy is not None
        self.proxy.lose_power()
        time.sleep(self.chance.uniform(1.0, 5.0))
        self.proxy.back()

    def step_clock(self) -> None:
        """The database's, by two minutes. (Put back, it would have every job wait that is to wait until a time.)"""
        assert self.server is not None
        self._clock += STEP
        self.server.put(self._clock)

    def judge(self) -> None:
        """Whether anybody was wronged, or told what is not so."""
        buried = {entry.pid for entry in self.crew.ledger.entries("worker.declared_dead")}
        assert buried <= self.stood_still, f"alive, and buried: {buried - self.stood_still}"
        queue = Queue()
        loaded_id, decoded = queue.dialect(self.database.kind).loaded_id, queue.job_ids.decode
        archive = {
            repr(decoded(loaded_id(job_id))): (status, worker)
            for job_id, status, worker in self.database.archive("job_id", "status", "worker")
        }
        told = Counter[str]()
        for event, status in (("job.succeeded", "success"), ("job.given_up", "failure")):
            for entry in self.crew.ledger.entries(event):
                job_id, who = entry["job_id"], entry.known.get("from", entry["worker"])
                told[job_id] += 1
                if "from" in entry.known:
                    assert archive[job_id][0] == status, f"{event} of {job_id} was told, and it is {archive[job_id]}"
                else:
                    assert archive[job_id] == (status, who), f"{event} of {job_id} was told by {who}: {archive[job_id]}"
        assert {job_id: times for job_id, times in told.items() if times > 1} == {}, "told twice"


@dataclass(frozen=True)
class Place:
    """Where all of it happens."""

    database: PrivateDatabase
    server: Steerable | None = None
    proxy: Proxy | None = None


@pytest.fixture(params=PRODUCTS_CHOSEN)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A database on a server of its own, behind a proxy."""
    if request.param == "sqlite":
        yield Place(PrivateDatabase("sqlite", f"sqlite:///{tmp_path}/jobs.db"))
        return
    server_url(request.param)  # skips where there is none
    with steerable(request.param) as server, Proxy(server.url) as proxy:
        yield Place(PrivateDatabase(request.param, server.url), server, proxy)


@pytest.mark.timeout(MINUTES * 60 + 300)
@pytest.mark.skipif(not MINUTES, reason="takes minutes: make soak MINUTES=…")
def test_soak(place: Place, crew: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    database = place.database
    database.migrate()
    seed = int(os.environ.get("PROLETARIAN_SOAK_SEED") or time.time())
    end = time.monotonic() + MINUTES * 60
    rounds, jobs, repeated, deaths, clock, faults = 0, 0, 0, 0, 0, Counter[str]()
    while time.monotonic() < end:
        database.empty()
        books = Books(database, seed).open()
        scene = Scene(database, place.server, place.proxy, crew, books, random.Random(seed), _clock=clock)
        scene.keep_up()
        crew.ledger.wait_for("worker.started", 60, count=CREW)
        scene.poison()  # there is always one among the innocents
        producer = threading.Thread(target=books.produce, args=[JOBS, 0.02])
        producer.start()
        for _ in range(FAULTS):
            time.sleep(scene.chance.uniform(0.1, 1.0))
            scene.hurt()
        producer.join()
        books.look_up()
        try:
            wait_until(scene.is_done, 180, what="the end of all jobs")
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {dict(scene.done)}: {error}\n{scene.left()}") from error
        wait_until(lambda: books.is_quiet, 60, what=f"the last outcomes (seed {seed})")  # noqa: B023
        try:
            repeated += books.balance(losses=True, told=crew.ledger)
            scene.judge()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}, {dict(scene.done)}: {error} ({crew.ledger.path})") from error
        deaths += len([worker for worker in crew.workers if worker.process.poll() is not None])
        rounds, jobs, faults, seed = rounds + 1, jobs + len(books.put_in), faults + scene.done, seed + 1
        clock = scene._clock
        crew.end()
        crew.workers.clear()
        crew.ledger.path.unlink()
    with capsys.disabled():
        print(
            f"\n{database.product}: {rounds} rounds, {jobs} jobs, {deaths} workers ended, {repeated} runs repeated, "
            f"faults: {dict(faults)}"
        )
