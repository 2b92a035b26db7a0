"""
The books: what was put in, what ran, and what became of it must balance.

Producers write a business row and a job in one transaction, and roll some back. Handlers
write one line for each run, through a connection of their own. At the end:

- every committed job is archived exactly once, and nothing waits or runs any more;
- nothing of a transaction that was rolled back ever ran;
- a job ran once for each attempt that its row counts, and more often only where its row
  counts a loss, or it was given back unfinished;
- what a handler committed with `job.complete` happened exactly once.

The database may go away meanwhile. What a producer was not told about a commit, it looks
up in the business rows; a handler writes its line as soon as it can.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, TypeVar
from uuid import uuid4

from proletarian import Job, Queue, Retry, Tasks, enqueue
from tests.databases import PrivateDatabase
from tests.ledger import Ledger

T = TypeVar("T")

TABLES = {
    "account": "n INTEGER NOT NULL PRIMARY KEY",
    "line": "id CHAR(32) NOT NULL PRIMARY KEY, n INTEGER NOT NULL, attempt INTEGER NOT NULL",  # one for each run
    "effect": "id CHAR(32) NOT NULL PRIMARY KEY, n INTEGER NOT NULL",  # committed with the job
}
EXACTLY_ONCE = ("exactly", "dies", "idles")
POISON = "poison"  # kills its worker whenever it runs: the only kind that fails
OUTAGE = 60.0  # seconds that a database may be away at the most
PACE = 0.01  # seconds between jobs under load


def outlasting(action: Callable[[], T]) -> T:
    """What an action gives; tried again while the database is away."""
    end = time.monotonic() + OUTAGE
    while True:
        try:
            return action()
        except Exception:  # drivers share no parent class
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


def is_there_already(error: Exception) -> bool:
    """Whether a row could not be written because it has been."""
    return any(kind.__name__ == "IntegrityError" for kind in type(error).__mro__)


def tasks_for(database: PrivateDatabase) -> Tasks:
    """Handlers that keep the books; a job's payload is the account that it is about."""
    tasks = Tasks()

    def note(job: Job, n: int) -> None:
        line = [uuid4().hex, n, job.attempts]

        def write() -> None:
            try:
                database.rows("INSERT INTO line (id, n, attempt) VALUES (%s, %s, %s)", line)
            except Exception as error:
                if not is_there_already(error):  # by a commit whose answer was lost
                    raise

        outlasting(write)

    @tasks.task
    def once(job: Job, n: int) -> None:
        note(job, n)

    @tasks.task(retry=Retry(5, delays=[0.05]))
    def flaky(job: Job, n: int) -> None:
        note(job, n)
        if job.attempts < 3:
            raise ValueError("not yet")

    def complete(job: Job, n: int, before_commit: Callable[[], None] = lambda: None) -> None:
        with database.connection() as connection:
            say(database, connection, "INSERT INTO effect (id, n) VALUES (%s, %s)", [uuid4().hex, n])
            job.complete(connection)
            before_commit()
            connection.commit()

    @tasks.task(retry=Retry(20, delays=[0.05]))
    def exactly(job: Job, n: int) -> None:
        note(job, n)
        complete(job, n)

    @tasks.task
    def dies(job: Job, n: int) -> None:
        """At first it is killed, with its process, before it can commit."""
        note(job, n)
        complete(job, n, lambda: None if job.lost else os.kill(os.getpid(), signal.SIGKILL))

    @tasks.task
    def poison(job: Job, n: int) -> None:
        os._exit(9)  # as a crash of the interpreter does

    @tasks.task(retry=Retry(5, delays=[0.05]))
    def idles(job: Job, n: int) -> None:
        """At first it leaves its transaction open for longer than the server puts up with."""
        note(job, n)
        complete(job, n, lambda: time.sleep(1.0 if job.attempts == 1 else 0.0))

    return tasks


def say(database: PrivateDatabase, connection: Any, sql: str, parameters: list[Any]) -> None:
    """Execute a statement in the transaction of a connection."""
    connection.cursor().execute(sql.replace("%s", "?") if database.kind == "sqlite" else sql, parameters)


@dataclass
class Books:
    """The books of one database."""

    database: PrivateDatabase
    seed: int = 1
    put_in: dict[int, str] = field(default_factory=dict)
    rolled_back: list[int] = field(default_factory=list)
    unsure: dict[int, str] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def open(self) -> Books:
        """Make the tables, or empty them."""
        for name, columns in TABLES.items():
            self.database.rows(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            self.database.rows(f"DELETE FROM {name}")
        return self

    def produce(self, count: int, pause: float = 0.0) -> None:
        """Put jobs in, each with its account in one transaction; one in five is rolled back."""
        chance = random.Random(self.seed + len(self.put_in))
        connection = outlasting(self.database.connect)
        for _ in range(count):
            n = next(self._numbers)
            kind, keep = chance.choice(["once", "flaky", "exactly"]), chance.random() >= 0.2
            try:
                self._put(connection, n, kind, keep)
            except Exception:  # noqa: BLE001 (drivers share no parent class; it is looked up later)
                self.unsure[n] = kind
                close(connection)
                connection = outlasting(self.database.connect)
            else:
                if keep:
                    self.put_in[n] = kind
                else:
                    self.rolled_back.append(n)
            time.sleep(pause)
        close(connection)
        self.look_up()

    def put(self, kind: str) -> None:
        """One job of a kind that is not among those that `produce` puts in."""
        n = next(self._numbers)
        try:
            with self.database.connection() as connection:
                self._put(connection, n, kind, keep=True)
        except Exception:
            self.unsure[n] = kind
            raise
        self.put_in[n] = kind

    def _put(self, connection: Any, n: int, kind: str, keep: bool) -> None:
        say(self.database, connection, "INSERT INTO account (n) VALUES (%s)", [n])
        enqueue(connection, kind, {"n": n})
        if keep:
            connection.commit()
        else:
            connection.rollback()

    def look_up(self) -> None:
        """Whether the transactions whose end was not told were committed."""
        committed = {n for (n,) in outlasting(lambda: self.database.rows("SELECT n FROM account"))}
        for n, kind in list(self.unsure.items()):
            del self.unsure[n]
            if n in committed:
                self.put_in[n] = kind
            else:
                self.rolled_back.append(n)

    @contextlib.contextmanager
    def load(self) -> Iterator[None]:
        """Jobs come all the time, until the end of the `with` block."""
        enough = threading.Event()

        def produce() -> None:
            while not enough.is_set():
                self.produce(10, PACE)

        thread = threading.Thread(target=produce)
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    @property
    def done(self) -> bool:
        """Whether all that was committed has come to its end."""
        return outlasting(lambda: self.database.count("archived_job")) >= len(self.put_in)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing waits or runs."""
        return outlasting(self.database.left) == 0

    def balance(self, *, losses: bool, told: Ledger | None = None) -> int:
        """
        Check all; gives how many runs were repeated.

        `losses` says whether workers died or were declared dead. `told` holds the workers' events, where
        some were told to stop: then they give back, uncounted, what they have not brought to its end.
        """
        queue = Queue()
        loaded_id, decoded = queue.dialect(self.database.kind).loaded_id, queue.job_ids.decode
        archive = self.database.archive("payload", "status", "attempts", "errors", "job_id")
        given_back = Counter(
            entry["job_id"] for entry in (told.entries("job.released") if told else []) if "from" not in entry.known
        )
        account_of = {f'{{"n":{n}}}': n for n in self.put_in}
        ended = Counter(account_of[payload] for payload, *_ in archive)
        assert set(ended) == set(self.put_in), "every committed job is in the archive, and no other"
        assert set(ended.values()) <= {1}, "once"
        assert (self.database.count("job"), self.database.count("running_job")) == (0, 0)

        committed = {n for (n,) in self.database.rows("SELECT n FROM account")}
        lines = Counter(n for (n,) in self.database.rows("SELECT n FROM line"))
        assert committed == set(self.put_in)
        assert not set(lines) & set(self.rolled_back), "what was rolled back never ran"

        repeated = 0
        for payload, status, attempts, errors, job_id in archive:
            # `lost` counts what is certain; the errors, each worker that died with the job in its hands.
            lost = sum(error["type"] == "WorkerLost" for error in json.loads(errors or "[]"))
            n, more = account_of[payload], lost + given_back[repr(decoded(loaded_id(job_id)))]
            if self.put_in[n] == POISON:
                assert status == "failure", f"the poison {n}: {status}"
                continue
            assert status == "success", f"{n}: {status}, {errors}"
            assert attempts <= lines[n] <= attempts + more, (
                f"job {n}: {lines[n]} runs, {attempts} attempts, {more} lost or given back"
            )
            assert losses or not lost, f"job {n} was lost, and nobody died"
            if self.put_in[n] == "flaky":
                assert attempts == 3
            repeated += lines[n] - attempts
        effects = Counter(n for (n,) in self.database.rows("SELECT n FROM effect"))
        assert effects == Counter(n for n, kind in self.put_in.items() if kind in EXACTLY_ONCE), "each exactly once"
        return repeated


def close(connection: Any) -> None:
    """Close a connection that may be broken."""
    with contextlib.suppress(Exception):
        connection.close()
