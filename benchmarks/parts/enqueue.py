"""How fast jobs are enqueued, one per commit: one client alone, then several beside a busy worker; and in bulk."""

from __future__ import annotations

from benchmarks.contestants import OURS_PG, RAW_THREE
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import PGQUEUER, PROCRASTINATE
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import Store, store

PLAIN = RAW_THREE.having("raw-insert", "plain INSERT, COPY")
CONTESTANTS = (OURS_PG, PLAIN, PGQUEUER, PROCRASTINATE)
QUICK = (OURS_PG, PLAIN, PGQUEUER)
BESIDE = OURS_PG.having("proletarian-plain", "plain INSERT into the same table, the same worker", plain=True)
BUSY = (OURS_PG, BESIDE, PGQUEUER)


def measure(run: Run) -> list[Found]:
    """One client; 4 and 8 clients with a busy worker; bulk."""
    jobs, many = run.size(4_000, 2_000), run.size(20_000)
    with store("postgresql", run.folder) as postgresql:
        alone = Table(
            "enqueue-1",
            f"Enqueue of {jobs:,} jobs, one per commit, 1 client, no worker",
            "jobs/s",
            ours=OURS_PG.label,
            goals=[Goal(PGQUEUER.label, 1.2), Goal(PLAIN.label, 0.85)],
        )
        run.in_turn(
            QUICK if run.quick else CONTESTANTS,
            postgresql,
            lambda stage: alone.add(stage.contestant.label, enqueued(stage, jobs, 1)),
            "enqueue, 1 client",
        )
        found: list[Found] = [alone]
        found += [busy(run, postgresql, jobs, clients) for clients in ((4,) if run.quick else (4, 8))]
        found += bulk(run, postgresql, many)
    return found


def busy(run: Run, postgresql: Store, jobs: int, clients: int) -> Table:
    """Several clients while a worker runs their jobs: does waking it cost them anything?"""
    table = Table(
        f"enqueue-{clients}",
        f"Enqueue, one per commit, {clients} clients, a worker busy with their jobs",
        "jobs/s",
        ours=OURS_PG.label,
        goals=[Goal(BESIDE.label, 0.9)],
    )

    def one(stage: Stage) -> None:
        with stage.workers(1):
            # Four times as many: clients, worker and server share the cores, and one second is too short to show that.
            table.add(stage.contestant.label, enqueued(stage, 4 * jobs, clients))

    run.in_turn(BUSY, postgresql, one, f"enqueue, {clients} clients")
    return table


def enqueued(stage: Stage, jobs: int, clients: int) -> float:
    """Jobs per second that `clients` client processes enqueue together."""
    stage.store.settle()
    started = [stage.start_call("single", jobs // clients, clients) for _ in range(clients)]
    took = [stage.result_of(process) for process in started]
    seconds: float = max(one["end"] for one in took) - min(one["start"] for one in took)
    return jobs / seconds


def bulk(run: Run, postgresql: Store, jobs: int) -> list[Found]:
    """Many jobs in one call, and in calls of 1,000."""
    whole = Table(
        "bulk",
        f"Enqueue of {jobs:,} jobs in bulk, in one call",
        "jobs/s",
        ours=OURS_PG.label,
        goals=[Goal(PGQUEUER.label, 2), Goal(PLAIN.label, 0.6)],
    )
    parts = Table(
        "bulk-1000",
        f"Enqueue of {jobs:,} jobs in bulk, in calls of 1,000",
        "jobs/s",
        ours=OURS_PG.label,
        plotted=False,
        goals=[Goal(PGQUEUER.label, 2), Goal(PLAIN.label, 0.6)],
    )
    for table, chunk in ((whole, jobs), (parts, 1000)):

        def one(stage: Stage, table: Table = table, chunk: int = chunk) -> None:
            took = stage.call("bulk", jobs, chunk)
            table.add(stage.contestant.label, jobs / took["seconds"])

        run.in_turn(QUICK if run.quick else CONTESTANTS, postgresql, one, f"bulk by {chunk:,}")
    return [whole, parts]
