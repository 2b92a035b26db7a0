"""No library at all: what SQLite can do with synchronous=FULL, two bare tables, one connection and a loop."""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

BATCH: int = OPTIONS.get("batch", 100)
DDL = """
CREATE TABLE job (id TEXT PRIMARY KEY, queue TEXT NOT NULL, job_type TEXT NOT NULL, payload TEXT NOT NULL,
    attempts INT NOT NULL DEFAULT 0, enqueued_at INT NOT NULL, process_at INT NOT NULL, claimed_at INT) WITHOUT ROWID;
CREATE TABLE archived_job (id TEXT PRIMARY KEY, queue TEXT, job_type TEXT, payload TEXT, attempts INT,
    enqueued_at INT, process_at INT, status TEXT, finished_at INT) WITHOUT ROWID;
CREATE INDEX job_in_order ON job (queue, process_at) WHERE claimed_at IS NULL;
"""
CLAIM = """
UPDATE job SET claimed_at = :now, attempts = attempts + 1
 WHERE id IN (SELECT id FROM job WHERE queue = 'default' AND claimed_at IS NULL AND process_at <= :now
               ORDER BY process_at LIMIT :batch)
RETURNING id, payload
"""
ARCHIVE = """
INSERT INTO archived_job
SELECT id, queue, job_type, payload, attempts, enqueued_at, process_at, 'success', :now
  FROM job WHERE id IN (SELECT value FROM json_each(:ids))
"""
DELETE = "DELETE FROM job WHERE id IN (SELECT value FROM json_each(:ids))"
INSERT = "INSERT INTO job VALUES (?, 'default', 'hit', ?, 0, ?, ?, NULL)"


def connect() -> sqlite3.Connection:
    connection = sqlite3.connect(URL.removeprefix("sqlite:///"), isolation_level=None, timeout=30)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    return connection


def worker() -> None:
    record.ready()
    connection = connect()
    while True:
        connection.execute("BEGIN IMMEDIATE")
        rows = connection.execute(CLAIM, {"now": time.time_ns(), "batch": BATCH}).fetchall()
        connection.execute("COMMIT")
        if not rows:
            time.sleep(0.01)
            continue
        for _, content in rows:
            record(json.loads(content)["n"])
        ended = {"ids": json.dumps([row[0] for row in rows]), "now": time.time_ns()}
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(ARCHIVE, ended)
        connection.execute(DELETE, ended)
        connection.execute("COMMIT")


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    connection = connect()

    def row(number: int) -> tuple[object, ...]:
        now = time.time_ns()
        return str(uuid.uuid4()), json.dumps(payload(number)), now, now + number

    def put(number: int) -> None:
        connection.execute(INSERT, row(number))

    def put_many(numbers: list[int]) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany(INSERT, map(row, numbers))
        connection.execute("COMMIT")

    yield SimpleNamespace(put=put, put_many=put_many)


main(setup=lambda: connect().executescript(DDL) and None, client=client, worker=worker)
