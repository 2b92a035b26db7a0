"""Jobs with real work: a millisecond of computing, or a call to a local server that takes five."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.contestants import OURS_PG, Contestant
from benchmarks.drained import drain
from benchmarks.measured import Found, Goal, Table
from benchmarks.run import Run
from benchmarks.stage import ROOT, Stage, WentWrong
from benchmarks.stores import store

SLOTS = 10


def measure(run: Run) -> list[Found]:
    """Each is compared with the same calls in a loop without a queue, on as many processes or threads."""
    computed, fetched = run.size(5_000, 1_000), run.size(10_000, 2_000)
    iterations = iterations_of_a_millisecond()
    found: list[Found] = []
    with store("postgresql", run.folder) as postgresql, slow_server() as port:
        work = [
            ("compute", computed, 1, {"iterations": iterations}, "1 ms of computing, 1 worker process, 10 threads"),
            ("compute", computed, 2, {"iterations": iterations}, "1 ms of computing, 2 worker processes, 10 threads"),
            ("fetch", fetched, 1, {"port": port}, "an HTTP call of 5 ms, 10 threads"),
            ("afetch", fetched, 1, {"port": port}, "an HTTP call of 5 ms, 10 coroutines"),
        ]
        for task, jobs, processes, options, what in work:
            ours = OURS_PG.having(f"proletarian-{task}", "**Proletarian**", task=task, **options)
            bare = Contestant(
                f"bare-{task}",
                "the same without a queue",
                "raw_loop.py",
                options={"task": task, "slots": SLOTS, "jobs": jobs // processes, **options},
            )
            table = Table(
                f"work-{task}-{processes}",
                f"{jobs:,} jobs of {what}",
                "jobs/s",
                ours=ours.label,
                goals=[Goal(bare.label, 0.9)],
            )

            def one(stage: Stage, table: Table = table, jobs: int = jobs, processes: int = processes) -> None:
                if stage.contestant.program == "raw_loop.py":
                    loops = [stage.start_call("loop", processes) for _ in range(processes)]
                    table.add(stage.contestant.label, sum(stage.result_of(loop)["rate"] for loop in loops))
                else:
                    table.add(stage.contestant.label, drain(stage, jobs, processes).rate)

            run.in_turn((ours, bare), postgresql, one, what)
            found.append(table)
    return found


def iterations_of_a_millisecond() -> int:
    """How many iterations `work.compute` needs; measured once, because all contestants must do the same work."""
    code = "import time\n" + (
        "def go(n):\n    t = 0\n    for i in range(n): t += i & 7\n"
        "best = min((lambda s: (go(20000), time.process_time() - s)[1])(time.process_time()) for _ in range(30))\n"
        "print(int(20000 * 0.001 / best))"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    return int(printed)


@contextmanager
def slow_server() -> Iterator[int]:
    """A server in a process of its own that answers after 5 ms; yields its port."""
    argv = [sys.executable, "-m", "benchmarks.programs.slow_server"]
    with subprocess.Popen(argv, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            said = process.stdout.readline().strip()
            if not said.isdigit():
                raise WentWrong(f"the slow server did not start: {said}")
            time.sleep(0.1)
            yield int(said)
        finally:
            process.kill()
