"""
The benchmark's command line.

    python -m benchmarks                    everything: takes two to three hours
    python -m benchmarks drain latency      these parts
    python -m benchmarks drain --quick      ours, the ceiling and the best peer only
    python -m benchmarks --page             docs/benchmarks.md and its plots, from the last results
"""

from __future__ import annotations

import argparse
import importlib
import time
from pathlib import Path
from types import ModuleType

from benchmarks.machine import about
from benchmarks.measured import save
from benchmarks.page import write
from benchmarks.report import markdown
from benchmarks.run import Run, say

RESULTS = Path(__file__).parent / "results"
PARTS = (
    "real_work", "drain", "enqueue", "latency", "waiting", "old_snapshot", "backlog", "sqlite", "mysql", "redis",
    "sharing", "start_up", "memory", "origin", "idle", "growth", "queues", "payloads", "archive", "look", "unique",
    "lanes", "flows", "steps", "processes", "telemetry",
)  # fmt: skip


def main() -> None:
    """Measure what was asked for; print and save the results."""
    options = arguments()
    for name in options.parts or (() if options.page else PARTS):
        run = Run(rounds=options.rounds, quick=options.quick, huge=options.huge, jobs=options.jobs, peers=options.peers)
        part = part_of(name)
        say(f"{name}: {part.__doc__}")
        started = time.monotonic()
        found = part.measure(run)
        file = RESULTS / f"{name}{'-quick' if options.quick else ''}.json"
        more = {"seconds": round(time.monotonic() - started), "left_out": run.left_out, "peers": run.versions}
        save(found, file, {**about(), **more})
        file.with_suffix(".md").write_text(markdown(found))
        print(markdown(found), flush=True)
        run.close()
    if options.page:
        say(f"written: {write(RESULTS, [(name, part_of(name).__doc__ or '') for name in PARTS])}")


def part_of(name: str) -> ModuleType:
    """The module of a part."""
    return importlib.import_module(f"benchmarks.parts.{name}")


def arguments() -> argparse.Namespace:
    """What the command line says."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=(__doc__ or "").strip(),
    )
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], metavar="part", help=", ".join(PARTS))
    parser.add_argument("--quick", action="store_true", help="ours, the ceiling and the best peer only, fewer jobs")
    parser.add_argument("--page", action="store_true", help="write docs/benchmarks.md from the existing results")
    parser.add_argument("--huge", action="store_true", help="also 10,000,000 rows, and a fleet of 100")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", type=int, help="instead of each part's own number")
    parser.add_argument("--peers", type=lambda text: frozenset(filter(None, text.split(","))),
                        help="only these peers, for example pgqueuer,procrastinate; an empty text: none")  # fmt: skip
    return parser.parse_args()


if __name__ == "__main__":
    main()
