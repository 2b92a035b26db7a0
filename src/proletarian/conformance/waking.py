"""How an idle worker hears of a new job."""

from __future__ import annotations

import time

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.job import DEFAULT_QUEUE, NewJob
from proletarian.outcomes import Outcome
from proletarian.sql.enqueueing import enqueue
from proletarian.sql.transactions import begin, commit, joined
from proletarian.sql.waking import lie_down, listen
from proletarian.worker.wake import Wake

CHECKS = Checks()
promise = CHECKS.promise

LONG = 5.0
SHORT = 0.2


def asleep(trial: Trial, queue: str = DEFAULT_QUEUE) -> Member:
    """A worker that sleeps until there is a job in its queue."""
    worker = trial.worker()
    worker.connection.run(listen(trial.dialect))
    worker.connection.run(lie_down(trial.dialect, [queue]))
    while wakes(worker, 0.02):
        pass  # what came before it went to sleep
    return worker


def wakes(worker: Member, seconds: float) -> bool:
    """Whether it wakes up within a few seconds."""
    wake = Wake()
    try:
        return worker.connection.wait(wake, seconds)
    finally:
        wake.close()


@promise("notifies")
def an_idle_worker_is_woken_by_an_enqueue(trial: Trial) -> None:
    worker = asleep(trial)
    started = time.monotonic()
    trial.connection.run(enqueue(trial.dialect, trial.queue.row(NewJob("greet"), trial.dialect), None))

    assert wakes(worker, LONG)
    assert time.monotonic() - started < LONG / 2


@promise("notifies")
def an_idle_worker_is_woken_by_a_batch(trial: Trial) -> None:
    worker = asleep(trial)
    trial.put_one()

    assert wakes(worker, LONG)


@promise("notifies")
def nothing_wakes_before_the_commit(trial: Trial) -> None:
    worker = asleep(trial)
    enqueuer = trial.worker()
    while wakes(worker, 0.02):
        pass  # where any commit wakes it, the registration did too
    enqueuer.connection.run(begin(trial.dialect))
    row = trial.queue.row(NewJob("greet"), trial.dialect)
    enqueuer.connection.run(joined(trial.dialect, enqueue(trial.dialect, row, None)))
    before = wakes(worker, SHORT)
    enqueuer.connection.run(commit(trial.dialect))

    assert not before
    assert wakes(worker, LONG)


@promise("notifies")
def an_idle_worker_is_woken_by_a_job_that_comes_back(trial: Trial) -> None:
    trial.put_one()
    busy = trial.worker()
    run = busy.claim_one()
    worker = asleep(trial)
    busy.acknowledge((run, Outcome("job.released", None)))

    assert wakes(worker, LONG)


@promise()
def a_sleeper_can_be_woken_by_its_own_process(trial: Trial) -> None:
    worker = trial.worker()
    wake = Wake()
    wake.asleep = True
    wake.wake()
    try:
        assert worker.connection.wait(wake, LONG)
    finally:
        wake.close()
