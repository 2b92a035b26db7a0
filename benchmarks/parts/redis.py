"""Queues on Redis, compared with ours on PostgreSQL: drain, enqueue, and pick-up by an idle worker."""

from __future__ import annotations

from benchmarks.contestants import OURS_PG
from benchmarks.drained import drain
from benchmarks.measured import Found, Table
from benchmarks.parts.latency import at, waited
from benchmarks.peers import REDIS
from benchmarks.redis import Redis, RedisStore
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import Store, store

LOSES = "Redis writes its log once a second here, as most people run it: a crash may lose the jobs of the last second."


def measure(run: Run) -> list[Found]:
    """There are no goals, because these queues promise less."""
    jobs, single, picked = run.size(20_000, 5_000), run.size(2_000, 500), run.size(200, 50)
    rate = Table(
        "redis-drain",
        f"Redis: drain of no-op jobs, 1 worker process; {jobs:,} for ours, fewer for the slower ones",
        "jobs/s",
        ours=OURS_PG.label,
        notes=[LOSES],
    )
    alone = Table("redis-enqueue", f"Redis: enqueue of {single:,} jobs, one by one", "jobs/s", ours=OURS_PG.label)
    pick_up = Table(
        "redis-latency",
        f"Redis: pick-up by an idle worker, {picked} jobs, median",
        "ms",
        ours=OURS_PG.label,
        more_is_better=False,
        digits=2,
    )

    def one(stage: Stage) -> None:
        label, again = stage.contestant.label, (stage.contestant, stage.store, run.folder)
        took = stage.call("single", single, 1)
        alone.add(label, single / (took["end"] - took["start"]))
        rate.add(label, drain(Stage(*again), jobs).rate)
        pick_up.add(label, at(waited(Stage(*again), picked), 0.5))

    with store("postgresql", run.folder) as postgresql, Redis() as redis:
        stores: dict[str, Store] = {peer.name: RedisStore(redis) for peer in REDIS}
        stores[OURS_PG.name] = postgresql
        run.in_turn((OURS_PG, *REDIS), stores, one, "redis")
    return [rate, alone, pick_up]
