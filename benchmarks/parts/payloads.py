"""Payloads of 100 bytes to a megabyte: each move writes them again, so large things belong elsewhere."""

from __future__ import annotations

from dataclasses import replace

from benchmarks.contestants import OURS_PG, RAW_THREE
from benchmarks.drained import drain
from benchmarks.measured import Curve, Found
from benchmarks.peers import PGQUEUER_100
from benchmarks.run import Run
from benchmarks.stage import Stage
from benchmarks.stores import store

SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)
VOLUME = 100_000_000  # bytes in one drain, at most


def measure(run: Run) -> list[Found]:
    """Fewer jobs where they are large."""
    curve = Curve(
        "payloads",
        "Drain of no-op jobs, 1 worker process",
        "bytes of payload",
        "jobs/s",
        ours=OURS_PG.label,
        logarithmic=True,
        notes=["20,000 jobs, or fewer if they would exceed 100 MB in total."],
    )
    with store("postgresql", run.folder) as postgresql:
        for size in SIZES[::2] if run.quick else SIZES:
            jobs = min(run.size(20_000), VOLUME // size)
            sized = [
                replace(one, options={**one.options, "size": size, "batch": min(500, max(1, 5_000_000 // size))})
                for one in (OURS_PG, RAW_THREE, PGQUEUER_100)
            ]

            def one(stage: Stage, size: int = size, jobs: int = jobs) -> None:
                curve.add(stage.contestant.label, size, drain(stage, jobs).rate)

            run.in_turn(sized, postgresql, one, f"payloads of {size:,} B")
    return [curve]
