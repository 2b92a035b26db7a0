"""Steps: stored under the fence, loaded by the next run, visible in the job, and deleted with it."""

from __future__ import annotations

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Claimed
from proletarian.sql.steps import Kept, keep_steps, load_steps

CHECKS = Checks()  # of a database
LOOKS = Checks()  # of a driver
promise, seen = CHECKS.promise, LOOKS.promise

TEXT = '{"note": "ĳ, \\\\ and \'quotes\' %s :n"}'


def keep(worker: Member, run: Claimed, name: str = "charge", result: str = TEXT) -> bool:
    """Store a step; returns whether the run was still the worker's own."""
    kept, _ = worker.connection.run(keep_steps(worker.dialect, worker.worker_id, [Kept(run.run_id, name, result)]))
    return run.run_id in kept


def loaded(worker: Member, run: Claimed) -> dict[str, str]:
    """The steps that a run finds from earlier ones."""
    return worker.connection.run(load_steps(worker.dialect, worker.worker_id, [run.run_id]))[run.run_id]


@promise()
def the_next_run_finds_what_steps_have_returned(trial: Trial) -> None:
    trial.put_one()
    first, second = trial.worker(), trial.worker()
    run = first.claim_one()
    found_at_first = loaded(first, run)
    assert keep(first, run)
    assert keep(first, run, "ĳ", "null")
    first.retry(run, delay=0)
    again = second.claim_one()

    assert found_at_first == {}
    assert loaded(second, again) == {"charge": TEXT, "ĳ": "null"}


@promise()
def what_a_step_returned_first_stays(trial: Trial) -> None:
    trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    assert keep(worker, run)
    assert keep(worker, run, result="2"), "said again after a lost answer, it counts as kept"

    assert loaded(worker, run) == {"charge": TEXT}


@promise()
def a_worker_that_has_lost_the_job_keeps_no_step(trial: Trial) -> None:
    trial.put_one()
    zombie, owner = trial.worker(), trial.worker()
    lost = zombie.claim_one()
    trial.recover(zombie)
    run = owner.claim_one()

    assert not keep(zombie, lost)
    assert loaded(owner, run) == {}
    assert keep(owner, run, result="1")
    assert loaded(owner, run) == {"charge": "1"}


@promise()
def many_runs_keep_steps_at_once(trial: Trial) -> None:
    for _ in range(20):
        trial.put_one()
    worker = trial.worker()
    runs = worker.claim(20)
    steps = [Kept(run.run_id, name, "x" * 100_000) for run in runs for name in ("one", "two")]
    kept, locked = worker.connection.run(keep_steps(worker.dialect, worker.worker_id, steps))

    assert (len(kept), locked) == (20, set())
    assert trial.count("step") == 40


@promise()
def another_job_under_the_same_id_finds_no_steps(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    assert keep(worker, run)
    worker.acknowledge((run, Outcome("job.given_up", "failure", 1)))
    trial.put_one(job_id=job_id)
    other = worker.claim_one()

    assert loaded(worker, other) == {}
    assert keep(worker, other, result="2")
    assert loaded(worker, other) == {"charge": "2"}


@seen()
def a_look_shows_the_steps(trial: Trial) -> None:
    job_id = trial.put_one()
    worker, application = trial.worker(), trial.application()
    run = worker.claim_one()
    assert keep(worker, run)
    assert keep(worker, run, "ĳ", '{"token": "x"}')
    record = application.find_job(job_id)
    whole = application.find_job(job_id, masked=False)

    assert [(step.name, step.result) for step in record.steps] == [
        ("charge", {"note": "ĳ, \\ and 'quotes' %s :n"}),
        ("ĳ", {"token": "********"}),
    ]
    assert whole.steps[1].result == {"token": "x"}
    assert all(step.kept_at.utcoffset() is not None for step in record.steps)


@seen()
def steps_go_with_their_job_and_with_a_fresh_retry(trial: Trial) -> None:
    deleted, anew, kept = trial.put_one(), trial.put_one(), trial.put_one()
    worker, application = trial.worker(), trial.application()
    for run in worker.claim(3):
        assert keep(worker, run)
        worker.acknowledge((run, Outcome("job.given_up", "failure", 1)))
    application.act("delete_jobs", deleted)
    application.act("retry", anew, fresh=True)
    application.act("retry", kept)
    before = trial.count("step")
    application.commit()

    assert before == 3, "nothing happens before the commit"
    assert trial.count("step") == 1
    assert [step.name for step in application.find_job(kept).steps] == ["charge"]
