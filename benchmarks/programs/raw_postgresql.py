"""
No library at all: what PostgreSQL and psycopg can do with one connection and a loop.

`tables: 3` are the three tables of Proletarian, with all their columns, and the simplest
statements that move a row through them; `tables: 2` are a bare job table with a claim
column, and an archive. Both claim a batch, decode the payloads, run the handler and archive
the batch. They have no heartbeat, no real fence and no retries: the ceiling.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import psycopg

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

TWO = """
CREATE TABLE job (id uuid PRIMARY KEY, queue text NOT NULL, job_type text NOT NULL, payload jsonb NOT NULL,
    attempts int NOT NULL DEFAULT 0, enqueued_at timestamptz NOT NULL, process_at timestamptz NOT NULL,
    claimed_at timestamptz);
CREATE TABLE archived_job (id uuid PRIMARY KEY, queue text NOT NULL, job_type text NOT NULL, payload jsonb NOT NULL,
    attempts int NOT NULL, enqueued_at timestamptz NOT NULL, process_at timestamptz NOT NULL,
    status text NOT NULL, finished_at timestamptz NOT NULL);
CREATE INDEX ON job (queue, process_at) WHERE claimed_at IS NULL;
"""
TWO_CLAIM = """
UPDATE job SET claimed_at = now(), attempts = attempts + 1
 WHERE id IN (SELECT id FROM job WHERE queue = 'default' AND claimed_at IS NULL AND process_at <= now()
               ORDER BY process_at LIMIT %s FOR UPDATE SKIP LOCKED)
RETURNING id, payload
"""
TWO_ACKNOWLEDGE = """
WITH ended AS (DELETE FROM job WHERE id = ANY (%s) RETURNING *)
INSERT INTO archived_job
SELECT id, queue, job_type, payload, attempts, enqueued_at, process_at, 'success', now() FROM ended
"""
TWO_INSERT = """
INSERT INTO job (id, queue, job_type, payload, enqueued_at, process_at)
VALUES (%s, 'default', 'hit', %s, now(), now())
"""
TWO_COPY = "COPY job (id, queue, job_type, payload, enqueued_at, process_at) FROM STDIN"

COLUMNS = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at, priority, headers, lost, errors"
JOB = """
    job_id uuid NOT NULL{key}, queue text NOT NULL, job_type text NOT NULL, payload text NOT NULL,
    attempts int NOT NULL DEFAULT 0, enqueued_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    process_at timestamptz NOT NULL DEFAULT clock_timestamp(), priority smallint NOT NULL DEFAULT 0,
    headers text, lost smallint NOT NULL DEFAULT 0, errors text"""
KEYED, PLAIN = JOB.format(key=" PRIMARY KEY"), JOB.format(key="")
THREE = f"""
CREATE TABLE job ({KEYED});
CREATE INDEX ON job (queue, priority DESC, process_at, job_id);
CREATE TABLE running_job ({PLAIN}, worker_id uuid NOT NULL, run_id bigint NOT NULL, started_at timestamptz NOT NULL,
    progress text, PRIMARY KEY (worker_id, run_id));
CREATE TABLE archived_job ({KEYED}, status text NOT NULL, started_at timestamptz, finished_at timestamptz NOT NULL,
    worker text, result text);
"""
THREE_CLAIM = f"""
WITH moved AS (
DELETE FROM job
 WHERE ctid = ANY (ARRAY(
       SELECT ctid FROM job WHERE queue = 'default' AND priority = 0 AND process_at <= now()
        ORDER BY process_at, job_id LIMIT %s FOR UPDATE SKIP LOCKED))
RETURNING *)
INSERT INTO running_job ({COLUMNS}, worker_id, run_id, started_at)
SELECT {COLUMNS}, %s, %s + row_number() OVER (), now() FROM moved
RETURNING run_id, payload
"""
THREE_ACKNOWLEDGE = f"""
WITH ended AS (DELETE FROM running_job WHERE run_id = ANY (%s) AND worker_id = %s RETURNING *)
INSERT INTO archived_job ({COLUMNS}, status, started_at, finished_at, worker)
SELECT {COLUMNS}, 'success', started_at, now(), 'raw' FROM ended
"""
THREE_INSERT = "INSERT INTO job (job_id, queue, job_type, payload) VALUES (%s, 'default', 'hit', %s)"
THREE_COPY = "COPY job (job_id, queue, job_type, payload) FROM STDIN"

TABLES: int = OPTIONS.get("tables", 3)
BATCH: int = OPTIONS.get("batch", 500)
DDL, INSERT, COPY = (THREE, THREE_INSERT, THREE_COPY) if TABLES == 3 else (TWO, TWO_INSERT, TWO_COPY)


def setup() -> None:
    with psycopg.connect(URL) as connection:
        connection.execute(DDL)


def worker() -> None:
    record.ready()
    with psycopg.connect(URL, autocommit=True) as connection:
        turn = three_tables(connection) if TABLES == 3 else two_tables(connection)
        while True:
            if not turn():
                time.sleep(0.01)


def two_tables(connection: psycopg.Connection) -> Callable[[], int]:
    def turn() -> int:
        rows = connection.execute(TWO_CLAIM, (BATCH,)).fetchall()
        for _, content in rows:
            record(content["n"])
        if rows:
            connection.execute(TWO_ACKNOWLEDGE, ([row[0] for row in rows],))
        return len(rows)

    return turn


def three_tables(connection: psycopg.Connection) -> Callable[[], int]:
    worker_id, runs = uuid.uuid4(), itertools.count(0, BATCH)

    def turn() -> int:
        rows = connection.execute(THREE_CLAIM, (BATCH, worker_id, next(runs))).fetchall()
        for _, content in rows:
            record(json.loads(content)["n"])
        if rows:
            connection.execute(THREE_ACKNOWLEDGE, ([row[0] for row in rows], worker_id))
        return len(rows)

    return turn


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    with psycopg.connect(URL, autocommit=True) as connection:

        def put(number: int) -> None:
            connection.execute(INSERT, (uuid.uuid4(), json.dumps(payload(number))))

        def put_many(numbers: list[int]) -> None:
            with connection.cursor().copy(COPY) as copy:
                for number in numbers:
                    row = (uuid.uuid4(), "default", "hit", json.dumps(payload(number)))
                    copy.write_row(row if TABLES == 3 else (*row, "now", "now"))

        yield SimpleNamespace(put=put, put_many=put_many)


if __name__ == "__main__":
    main(setup=setup, client=client, worker=worker)
