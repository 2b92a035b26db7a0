"""The chores for jobs that wait for others: what a worker left undone because it died, or because of a lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from proletarian.sql.flows.late import look_late, sweep
from proletarian.sql.flows.releasing import Released, release
from proletarian.sql.statements import Plan
from proletarian.worker.keeping.rota import Chore
from proletarian.worker.runner import Runner

EVERY, SWEEP_EVERY = 1.0, 10.0  # seconds, for the whole fleet
ROUNDS = 20  # releases in one turn


def releasing(runner: Runner, look: Callable[[], None]) -> Chore:
    """Count ends that jobs were told of, and find those that no acknowledgement sees; calls `look` if some can run."""
    after = 0

    def plan() -> Plan[bool]:
        nonlocal after
        ended, after = yield from look_late(runner.dialect, after)
        ready, more = 0, True
        for _ in range(ROUNDS):
            done: Released = yield from release(runner.dialect, runner.queue.now())
            runner.tell_cancelled(done.cancelled)
            ready, more = ready + done.ready, done.more
            if not more:
                break
        if ready:
            look()
        return more or bool(ended) or after > 0

    return Chore(EVERY, plan)


def sweeping_edges(runner: Runner) -> Chore:
    """Look at the next page of edges, starting over after the last one; the more there is to sweep, the sooner."""
    after: tuple[Any, Any] | None = None

    def plan() -> Plan[bool]:
        nonlocal after
        found, after = yield from sweep(runner.dialect, after)
        return found > 0

    return Chore(SWEEP_EVERY, plan)
