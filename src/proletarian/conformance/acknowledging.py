"""Acknowledgements: where a job goes after its run, and the fence that keeps strangers out."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.conformance.when import NOON
from proletarian.job import NewJob
from proletarian.outcomes import Outcome, succeeded

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def a_success_is_archived(trial: Trial) -> None:
    job_id = trial.put_one(payload={"n": 1}, queue="default", priority=3, headers={"trace": "a1"})
    enqueued = trial.find(job_id, "enqueued_at", "process_at")[1:]
    worker = trial.worker()
    run = worker.claim_one()
    assert worker.succeed(run) == {run.run_id}

    columns = ("status", "attempts", "lost", "errors", "result", "worker", "payload", "priority", "headers", "queue")
    assert trial.find(job_id, *columns) == (
        "archived_job", "success", 1, 0, None, None, "contract:1", '{"n":1}', 3, '{"trace": "a1"}', "default",
    )  # fmt: skip
    _, enqueued_at, process_at, started_at, finished_at = trial.find(
        job_id, "enqueued_at", "process_at", "started_at", "finished_at"
    )
    assert (enqueued_at, process_at) == enqueued
    assert enqueued_at <= started_at <= finished_at
    assert trial.counts() == (0, 0, 1)


@promise()
def a_result_is_kept(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    worker.acknowledge((worker.claim_one(), Outcome("job.succeeded", "success", 1, result='{"n": "漢"}')))

    assert trial.find(job_id, "status", "result") == ("archived_job", "success", '{"n": "漢"}')


@promise()
def a_failure_is_archived_with_its_errors(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    errors = '[{"message": "it\'s \\"100%\\" :broken"}]'
    worker.acknowledge((worker.claim_one(), Outcome("job.given_up", "failure", 1, errors=errors)))

    assert trial.find(job_id, "status", "attempts", "errors") == ("archived_job", "failure", 1, errors)


@promise()
def a_retry_waits_its_delay_and_counts(trial: Trial) -> None:
    clocked = trial.with_queue(clock=lambda: NOON)
    job_id = clocked.put_one(priority=4, headers={"trace": "a1"})
    worker = clocked.worker()
    run = worker.claim(now=NOON)[0]
    worker.acknowledge((run, Outcome("job.retrying", None, 1, delay=1.5, errors="[1]")), now=NOON)

    columns = ("attempts", "errors", "priority", "headers", "enqueued_at", "process_at")
    assert clocked.find(job_id, *columns) == (
        "job", 1, "[1]", 4, '{"trace": "a1"}', NOON, clocked.find(job_id, "process_at")[1],
    )  # fmt: skip
    process_at = clocked.find(job_id, "process_at")[1]
    assert abs(process_at - NOON - timedelta(seconds=1.5)) <= timedelta(milliseconds=1)


@promise()
def errors_stay_until_there_are_newer_ones(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    worker.acknowledge((worker.claim_one(), Outcome("job.retrying", None, 1, delay=0, errors="[1]")))
    worker.acknowledge((worker.claim_one(), Outcome("job.snoozed", None, 1, delay=0)))
    assert trial.find(job_id, "errors") == ("job", "[1]")
    worker.succeed(worker.claim_one())

    assert trial.find(job_id, "errors", "attempts") == ("archived_job", "[1]", 2)


@promise()
def a_job_given_back_keeps_its_place(trial: Trial) -> None:
    job_id = trial.put_one(payload={"n": 1}, priority=2)
    before = trial.find(job_id, "process_at", "enqueued_at", "attempts", "lost", "priority", "payload")
    worker = trial.worker()
    worker.acknowledge((worker.claim_one(), Outcome("job.released", None)))

    assert trial.find(job_id, "process_at", "enqueued_at", "attempts", "lost", "priority", "payload") == before


@promise()
def a_loss_is_counted_apart_from_the_attempts(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    worker.acknowledge((worker.claim_one(), Outcome("job.released", None, attempts=2, lost=1)))

    assert trial.find(job_id, "attempts", "lost") == ("job", 2, 1)


@promise()
def one_batch_may_hold_every_outcome(trial: Trial) -> None:
    outcomes = [
        succeeded(1, 0),
        Outcome("job.succeeded", "success", 1, result="1"),
        Outcome("job.given_up", "failure", 1, errors="[2]"),
        Outcome("job.cancelled", "cancelled", 1, errors="[3]"),
        Outcome("job.retrying", None, 1, delay=60, errors="[4]"),
        Outcome("job.released", None),
    ]
    trial.put(*[NewJob("greet")] * 300)
    worker = trial.worker()
    runs = worker.claim(300)
    ended = [(run, outcomes[n % len(outcomes)]) for n, run in enumerate(runs)]
    assert worker.acknowledge(*ended) == {run.run_id for run in runs}

    rows: Any = trial.say(f"SELECT status, count(*) FROM {trial.table('archived_job')} GROUP BY status")
    assert dict(rows) == {"success": 100, "failure": 50, "cancelled": 50}
    assert trial.counts() == (100, 0, 200)


@promise()
def a_worker_declared_dead_cannot_complete_a_job_it_lost(trial: Trial) -> None:
    job_id = trial.put_one()
    zombie = trial.worker()
    late = zombie.claim_one()
    trial.recover(zombie)
    owner = trial.worker()
    run = owner.claim_one()

    for outcome in (succeeded(1, 0), Outcome("job.retrying", None, 1, delay=0)):
        assert zombie.acknowledge((late, outcome)) == set()
    assert trial.find(job_id, "worker_id") == ("running_job", owner.worker_id)
    assert owner.succeed(run) == {run.run_id}


@promise()
def another_workers_run_cannot_be_acknowledged(trial: Trial) -> None:
    trial.put_one()
    owner, stranger = trial.worker(), trial.worker()
    run = owner.claim_one()

    assert stranger.succeed(run) == set()
    assert trial.counts() == (0, 1, 0)


@promise()
def an_earlier_run_of_the_same_worker_cannot_be_acknowledged(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    first = worker.claim_one()
    worker.acknowledge((first, Outcome("job.released", None)))
    second = worker.claim_one()

    assert second.run_id != first.run_id
    for outcome in (succeeded(1, 0), Outcome("job.given_up", "failure", 1, errors="[]")):
        assert worker.acknowledge((first, outcome)) == set()
    assert trial.find(job_id, "run_id") == ("running_job", second.run_id)


@promise()
def the_second_of_two_acknowledgements_finds_nothing(trial: Trial) -> None:
    trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()

    assert worker.succeed(run) == {run.run_id}
    assert worker.succeed(run) == set()
    assert worker.acknowledge((run, Outcome("job.retrying", None, 1, delay=0))) == set()
    assert trial.counts() == (0, 0, 1)


@promise()
def what_is_not_ours_any_more_does_not_spoil_the_batch(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 3)
    worker = trial.worker()
    first, second, third = worker.claim(3)
    worker.succeed(second)

    assert worker.succeed(first, second, third) == {first.run_id, third.run_id}
    assert trial.counts() == (0, 0, 3)
