"""`job.complete(connection)`: archived in the handler's own transaction, behind the fence."""

from __future__ import annotations

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import LeaseLost

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def complete_commits_with_the_handlers_transaction(trial: Trial) -> None:
    job_id = trial.put_one()
    worker, application = trial.worker(), trial.application()
    run = worker.claim_one()
    application.complete(worker, run, result='"done"')
    before = trial.counts()
    follow_up = application.enqueue("follow_up")
    application.commit()

    assert before == (0, 1, 0)
    assert trial.find(job_id, "status", "attempts", "result") == ("archived_job", "success", 1, '"done"')
    assert trial.find(follow_up) == ("job",)


@promise()
def complete_rolled_back_leaves_the_run(trial: Trial) -> None:
    job_id = trial.put_one()
    worker, application = trial.worker(), trial.application()
    run = worker.claim_one()
    application.complete(worker, run)
    application.enqueue("follow_up")
    application.roll_back()

    assert trial.find(job_id) == ("running_job",)
    assert trial.counts() == (0, 1, 0)
    assert worker.succeed(run) == {run.run_id}


@promise()
def complete_of_a_run_that_was_taken_back_raises_and_changes_nothing(trial: Trial) -> None:
    job_id = trial.put_one()
    zombie, application = trial.worker(), trial.application()
    run = zombie.claim_one()
    trial.recover(zombie)
    application.enqueue("follow_up")
    said = refused(LeaseLost, lambda: application.complete(zombie, run))
    application.roll_back()

    assert str(run.job_id) in said, "it should name the job"
    assert trial.find(job_id, "attempts") == ("job", 0)
    assert trial.counts() == (1, 0, 0)


@promise()
def complete_of_another_workers_run_raises(trial: Trial) -> None:
    job_id = trial.put_one()
    zombie, owner, application = trial.worker(), trial.worker(), trial.application()
    stale = zombie.claim_one()
    trial.recover(zombie)
    owner.claim_one()
    refused(LeaseLost, lambda: application.complete(zombie, stale))
    application.roll_back()

    assert trial.find(job_id) == ("running_job",)


@promise()
def complete_happens_once(trial: Trial) -> None:
    job_id = trial.put_one()
    worker, application = trial.worker(), trial.application()
    run = worker.claim_one()
    application.complete(worker, run)
    application.commit()
    refused(LeaseLost, lambda: application.complete(worker, run))
    application.roll_back()

    assert trial.find(job_id) == ("archived_job",)
    assert worker.succeed(run) == set()
