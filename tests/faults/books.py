"""
The books: what was put in, what ran, and what became of it must balance.

Producers write a business row and a job in one transaction, and roll some back. Handlers
write one line for each run, through a connection of their own. At the end:

- every committed job is archived exactly once, and nothing waits or runs any more;
- nothing of a transaction that was rolled back ever ran;
- a job ran once for each attempt that its row counts, and more often only where its row
  counts a loss, or it was given back unfinished;
- what a handler committed with `job.complete` happened exactly once.
"""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field

from proletarian import Job, Retry, Tasks, enqueue
from tests.databases import PrivateDatabase

TABLES = {
    "account": "n INTEGER NOT NULL PRIMARY KEY",
    "line": "n INTEGER NOT NULL, attempt INTEGER NOT NULL",  # one for each run
    "effect": "n INTEGER NOT NULL",  # committed with the job
}


def tasks_for(database: PrivateDatabase) -> Tasks:
    """Handlers that keep the books; a job's payload is the account that it is about."""
    tasks = Tasks()

    def note(job: Job, n: int) -> None:
        database.rows("INSERT INTO line (n, attempt) VALUES (%s, %s)", [n, job.attempts])

    @tasks.task
    def once(job: Job, n: int) -> None:
        note(job, n)

    @tasks.task(retry=Retry(5, delays=[0.05]))
    def flaky(job: Job, n: int) -> None:
        note(job, n)
        if job.attempts < 3:
            raise ValueError("not yet")

    @tasks.task(retry=Retry(20, delays=[0.05]))
    def exactly(job: Job, n: int) -> None:
        note(job, n)
        with database.connection() as connection:
            sql = "INSERT INTO effect (n) VALUES (%s)"
            connection.cursor().execute(sql.replace("%s", "?") if database.kind == "sqlite" else sql, [n])
            job.complete(connection)
            connection.commit()

    return tasks


@dataclass
class Books:
    """The books of one database."""

    database: PrivateDatabase
    seed: int = 1
    put_in: dict[int, str] = field(default_factory=dict)
    rolled_back: list[int] = field(default_factory=list)

    def open(self) -> Books:
        """Make the tables, or empty them."""
        for name, columns in TABLES.items():
            self.database.rows(f"CREATE TABLE IF NOT EXISTS {name} ({columns})")
            self.database.rows(f"DELETE FROM {name}")
        return self

    def produce(self, count: int) -> None:
        """Put jobs in, each with its account in one transaction; one in five is rolled back."""
        chance = random.Random(self.seed + len(self.put_in))
        sql = "INSERT INTO account (n) VALUES (%s)"
        with self.database.connection() as connection:
            for _ in range(count):
                n = len(self.put_in) + len(self.rolled_back) + 1
                kind = chance.choice(["once", "flaky", "exactly"])
                connection.cursor().execute(sql.replace("%s", "?") if self.database.kind == "sqlite" else sql, [n])
                enqueue(connection, kind, {"n": n})
                if chance.random() < 0.2:
                    connection.rollback()
                    self.rolled_back.append(n)
                else:
                    connection.commit()
                    self.put_in[n] = kind

    @property
    def done(self) -> bool:
        """Whether all that was committed has come to its end."""
        return self.database.count("archived_job") >= len(self.put_in)

    def balance(self, *, losses: bool) -> int:
        """Check all; `losses` says whether workers died or were declared dead. Gives how many runs were repeated."""
        archive = self.database.archive("payload", "status", "attempts", "lost")
        account_of = {f'{{"n":{n}}}': n for n in self.put_in}
        ended = Counter(account_of[payload] for payload, _, _, _ in archive)
        assert set(ended) == set(self.put_in), "every committed job is in the archive, and no other"
        assert set(ended.values()) <= {1}, "once"
        assert (self.database.count("job"), self.database.count("running_job")) == (0, 0)

        committed = {n for (n,) in self.database.rows("SELECT n FROM account")}
        lines = Counter(n for (n,) in self.database.rows("SELECT n FROM line"))
        assert committed == set(self.put_in)
        assert not set(lines) & set(self.rolled_back), "what was rolled back never ran"

        repeated = 0
        for payload, status, attempts, lost in archive:
            n = account_of[payload]
            assert status == "success", f"{n}: {status}"
            assert attempts <= lines[n] <= attempts + lost, (
                f"job {n}: {lines[n]} runs, {attempts} attempts, {lost} lost"
            )
            assert losses or not lost, f"job {n} was lost, and nobody died"
            if self.put_in[n] == "flaky":
                assert attempts == 3
            repeated += lines[n] - attempts
        effects = Counter(n for (n,) in self.database.rows("SELECT n FROM effect"))
        assert effects == Counter(n for n, kind in self.put_in.items() if kind == "exactly"), "each effect exactly once"
        return repeated
