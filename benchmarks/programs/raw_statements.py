"""
Proletarian's own statements without its worker: claim a batch, run it, acknowledge it, in a loop.

The difference between this and ours is what the worker adds (threads, heartbeat, recovery,
prefetch); on MySQL, MariaDB and SQLite this is the ceiling.
"""

from __future__ import annotations

import json
import time
import uuid

from benchmarks.programs.contestant import OPTIONS, URL, main, record
from benchmarks.programs.with_proletarian import client
from proletarian import migrate
from proletarian.connections.database import Database
from proletarian.outcomes import succeeded
from proletarian.sql.claiming import claim
from proletarian.sql.living import register
from proletarian.sql.rows import Ended
from proletarian.sql.settling import settle

BATCH: int = OPTIONS.get("batch", 500)


def worker() -> None:
    record.ready()
    database = Database(URL)
    dialect = database.dialect
    connection = database.connect()
    worker_id = dialect.stored_worker(uuid.uuid4())
    connection.run(register(dialect, worker_id, "bench", 1, "default", (None, None), 60.0))
    runs = 0
    while True:
        rows = connection.run(claim(dialect, worker_id, {"default": BATCH}, runs, None, None))
        runs += BATCH
        for row in rows:
            record(json.loads(row.payload)["n"])
        if rows:
            ended = [Ended(row.run_id, succeeded(1, 0)) for row in rows]
            connection.run(settle(dialect, worker_id, "bench:1", ended, None))
        else:
            time.sleep(0.01)


main(setup=lambda: migrate(URL), client=client, worker=worker)
