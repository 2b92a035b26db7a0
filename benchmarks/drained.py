"""A drain: a backlog is enqueued, workers start, and the clock runs from their first job until none is left."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from benchmarks import cpu
from benchmarks.programs.record import Ran
from benchmarks.stage import Stage


class Drained(NamedTuple):
    """How a drain went."""

    rate: float  # jobs a second
    cost: float  # microseconds of processor time per job, of workers and server
    worker_cost: float  # those of the workers
    ran: list[Ran]


def drain(stage: Stage, jobs: int, processes: int = 1, *, seconds: float = 300) -> Drained:
    """Enqueue, start the workers, wait until all jobs are finished, and check that each ran once."""
    jobs = min(jobs, stage.contestant.most)
    stage.call("bulk", jobs, 1000)
    stage.store.settle()
    return worked_off(stage, jobs, processes, seconds=seconds)


def worked_off(stage: Stage, jobs: int, processes: int = 1, *, seconds: float = 300) -> Drained:
    """The same for jobs that are already enqueued."""
    server = [stage.store.server.process.pid] if stage.store.server else []
    with stage.workers(processes) as workers:
        pids = [worker.pid for worker in workers]
        stage.wait_for(1, workers, seconds=seconds, pause=0.001)
        already, before, before_server = stage.count(), cpu.seconds(*pids), cpu.seconds(*server)
        stage.wait_for(jobs, workers, seconds=seconds)
        over = stage.wait_until_over()
        spent, spent_server = cpu.seconds(*pids) - before, cpu.seconds(*server) - before_server
        ran = stage.check(jobs)
    rate = jobs / ((over - min(call.at for call in ran)) / 1e9)
    a_job = 1e6 / max(1, jobs - already)
    return Drained(rate, (spent + spent_server) * a_job, spent * a_job, ran)


def slices(ran: list[Ran], size: int) -> list[float]:
    """Jobs per second in each slice of `size` calls."""
    moments = sorted(call.at for call in ran)
    edges = [*moments[::size], *([moments[-1]] if len(moments) % size == 0 else [])]
    return [size / ((end - start) / 1e9) for start, end in pairwise(edges)]
