"""How long a process takes to start: importing the library, and the command line's help."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.environments import CannotInstall, python_with
from benchmarks.measured import Found, Goal, Table
from benchmarks.peers import DRAMATIQ_POSTGRES, PGQUEUER, PROCRASTINATE
from benchmarks.run import Run, say
from benchmarks.stage import ours

IMPORT, HELP, NOTHING = "`import proletarian`", "`proletarian --help`", "Python itself"
PEERS = {
    "`import dramatiq`": (DRAMATIQ_POSTGRES, "import dramatiq"),
    "`import procrastinate`": (PROCRASTINATE, "import procrastinate"),
    "`import pgqueuer`": (PGQUEUER, "import pgqueuer"),
}


def measure(run: Run) -> list[Found]:
    """Whole processes, from their start to their end, in turn; the median of each round."""
    table = Table(
        "start-up",
        "A process that does nothing else, start to end",
        "ms",
        more_is_better=False,
        digits=1,
        goals=[Goal(None, 60, at_most=True, of=IMPORT), Goal(None, 90, at_most=True, of=HELP)],
        notes=["All of them include the start of Python itself."],
    )
    commands = {
        NOTHING: [sys.executable, "-c", "pass"],
        IMPORT: [sys.executable, "-c", "import proletarian"],
        "`from proletarian import Tasks, enqueue`": [sys.executable, "-c", "from proletarian import Tasks, enqueue"],
        HELP: [str(Path(sys.executable).parent / "proletarian"), "--help"],
    }
    for label, (peer, code) in PEERS.items():
        if run.peers is None or peer.environment in run.peers:
            try:
                commands[label] = [str(python_with(peer.environment, peer.requirements, since=peer.since)), "-c", code]
            except CannotInstall as error:
                run.leave_out(peer, error)
    source = str(ours(run.folder))
    for number in range(run.rounds):
        say(f"start-up, round {number + 1}/{run.rounds}")
        times: dict[str, list[float]] = {label: [] for label in commands}
        for _ in range(10 if run.quick else 30):
            for label, argv in commands.items():
                environment = {**os.environ, "PYTHONPATH": source} if label not in PEERS else dict(os.environ)
                times[label].append(lasting(argv, environment))
        for label, taken in times.items():
            table.add(label, statistics.median(taken))
    return [table]


def lasting(argv: list[str], environment: dict[str, str]) -> float:
    """How many milliseconds a process takes."""
    start = time.perf_counter()
    subprocess.run(argv, env=environment, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - start) * 1000
