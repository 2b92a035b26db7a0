"""An archive of millions of jobs: does it slow down today's jobs?"""

from __future__ import annotations

from benchmarks.contestants import OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run, say
from benchmarks.stage import Stage
from benchmarks.stores import PostgreSQLStore, store

# Ids in order of time, like ours.
FILL = """
INSERT INTO proletarian.archived_job
       (job_id, queue, job_type, payload, attempts, enqueued_at, process_at, status, started_at, finished_at, worker)
SELECT CAST(lpad(to_hex(CAST(extract(epoch FROM t) * 1000 AS bigint)), 12, '0') || '7'
            || substr(md5(CAST(n AS text)), 1, 19) AS uuid),
       'default', 'hit', '{"n": 1, "email": "user@example.com"}', 1, t, t, 'success', t, t, 'bench:1'
  FROM generate_series(CAST(%s AS int), CAST(%s AS int)) AS n,
       LATERAL (SELECT now() - interval '30 days' + n * interval '1 millisecond') AS clock(t)
"""
PORTION = 500_000


def measure(run: Run) -> list[Found]:
    """Two servers side by side, one with a full archive and one with an empty one, in turn."""
    rows = 10_000_000 if run.huge else 100_000 if run.quick else 1_000_000
    jobs = run.size(20_000)
    full, empty = f"**Proletarian**, {rows:,} archived jobs", "an empty archive"
    table = Table(
        "archive", f"Drain of {jobs:,} no-op jobs, 1 worker process", "jobs/s", ours=full, goals=[Goal(empty, 0.9)]
    )
    with store("postgresql", run.folder) as big, store("postgresql", run.folder) as small:
        assert isinstance(big, PostgreSQLStore)
        filled = Stage(OURS_PG.having("archive-full", full), big, run.folder)
        for start in range(0, rows, PORTION):
            say(f"archive: {start:,} of {rows:,} rows")
            big.execute(FILL, (start + 1, min(rows, start + PORTION)))
        for number in range(run.rounds):
            say(f"archive, round {number + 1}/{run.rounds}")
            filled.again()
            table.add(full, drain(filled, jobs).rate)
            fresh = Stage(OURS_PG.having("archive-empty", empty), small, run.folder)
            table.add(empty, drain(fresh, jobs).rate)
    return [table]
