"""The protocol of the original Proletarian, without a library: each job in one transaction, on several threads."""

from __future__ import annotations

import json
import threading
import time

import psycopg

from benchmarks.programs.contestant import OPTIONS, URL, main, record
from benchmarks.programs.raw_postgresql import client, setup

CLAIM = """
SELECT id, payload FROM job
 WHERE queue = 'default' AND claimed_at IS NULL AND process_at <= now()
 ORDER BY process_at LIMIT 1 FOR UPDATE SKIP LOCKED
"""
ARCHIVE = """
INSERT INTO archived_job
SELECT id, queue, job_type, payload, attempts + 1, enqueued_at, process_at, 'success', now() FROM job WHERE id = %s
"""
DELETE = "DELETE FROM job WHERE id = %s"


def worker() -> None:
    record.ready()
    for _ in range(OPTIONS["threads"]):
        threading.Thread(target=serve).start()


def serve() -> None:
    with psycopg.connect(URL) as connection:
        while True:
            row = connection.execute(CLAIM).fetchone()
            if row is None:
                connection.rollback()
                time.sleep(0.1)
                continue
            record((json.loads(row[1]) if isinstance(row[1], str) else row[1])["n"])
            connection.execute(ARCHIVE, (row[0],))
            connection.execute(DELETE, (row[0],))
            connection.commit()


main(setup=setup, client=client, worker=worker)
