"""What an idle fleet costs: statements per second on the server, and processor time of a worker."""

from __future__ import annotations

import time

import psycopg

from benchmarks import cpu
from benchmarks.contestants import OURS_PG
from benchmarks.measured import Curve, Found, Goal, Table
from benchmarks.peers import PGQUEUER, PROCRASTINATE
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "max_connections": "600"}
CALLS = """
SELECT calls, query FROM pg_stat_statements
 WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
   AND query NOT LIKE '%pg_stat_statements%'
 ORDER BY calls DESC
"""


def measure(run: Run) -> list[Found]:
    """Workers get time to find that there is nothing to do; then the measurement starts."""
    seconds = 10 if run.quick else 30
    statements = Curve(
        "idle-statements",
        "Statements sent to the server by an idle fleet",
        "workers",
        "statements/s",
        ours=OURS_PG.label,
        digits=1,
    )
    worker = Curve(
        "idle-cpu", "Processor time of one idle worker", "workers", "% of a core", ours=OURS_PG.label, digits=2
    )
    server = Curve(
        "idle-server",
        "Processor time of the server under an idle fleet",
        "workers",
        "% of a core",
        ours=OURS_PG.label,
        digits=2,
    )
    cost = Table(
        "idle",
        "One idle worker alone",
        "% of a core",
        ours=OURS_PG.label,
        more_is_better=False,
        digits=2,
        goals=[Goal(None, 1, at_most=True)],
    )
    with store("postgresql", run.folder, **SETTINGS) as postgresql:
        for count in (1, 10, 100) if run.huge else (1, 10):
            contestants = (OURS_PG,) if count == 100 else (OURS_PG, PGQUEUER, PROCRASTINATE)

            def one(stage: Stage, count: int = count) -> None:
                label = stage.contestant.label
                told, own, servers = watched(stage, count, seconds)
                statements.add(label, count, sum(told.values()) / seconds)
                worker.add(label, count, own / count / seconds * 100)
                server.add(label, count, servers / seconds * 100)
                if count == 1:
                    cost.add(label, own / seconds * 100)
                if label == OURS_PG.label and len(statements.points[label][-1][1]) == 1:
                    statements.notes.append(f"ours, {count} worker(s): {listed(told, seconds)}")

            run.in_turn(contestants, postgresql, one, f"idle, {count} worker(s)")
    return [cost, statements, worker, server]


def watched(stage: Stage, count: int, seconds: float) -> tuple[dict[str, int], float, float]:
    """Calls by statement, and seconds of processor time of the workers and of the server."""
    assert stage.store.server is not None
    postmaster = stage.store.server.process.pid
    with psycopg.connect(stage.store.url, autocommit=True) as connection, stage.workers(count) as workers:
        connection.execute("CREATE EXTENSION pg_stat_statements")
        time.sleep(8 + count / 4)
        pids = [process.pid for process in workers]
        connection.execute("SELECT pg_stat_statements_reset()")
        before, before_server = cpu.seconds(*pids), cpu.seconds(postmaster)
        time.sleep(seconds)
        after, after_server = cpu.seconds(*pids), cpu.seconds(postmaster)
        told: dict[str, int] = {}
        for calls, query in connection.execute(CALLS.replace("%", "%%"), ()):
            told[query] = told.get(query, 0) + calls
    return told, after - before, after_server - before_server


def listed(told: dict[str, int], seconds: float) -> str:
    """The statements that were said most often."""
    most = sorted(told.items(), key=lambda item: -item[1])[:5]
    return "; ".join(f"{calls / seconds:.1f}/s `{' '.join(query.split())[:60]} …`" for query, calls in most)
