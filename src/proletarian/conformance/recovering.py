"""Recovery: what dead workers ran goes back to waiting, and live workers are left alone."""

from __future__ import annotations

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.job import NewJob
from proletarian.outcomes import Outcome, succeeded
from proletarian.sql.rows import Ended
from proletarian.sql.settling import settle
from proletarian.sql.transactions import begin, commit, joined

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def the_jobs_of_a_dead_worker_run_again(trial: Trial) -> None:
    job_id = trial.put_one()
    dead, alive = trial.worker(), trial.worker()
    dead.claim_one()
    done = trial.recover(dead)

    assert list(done.buried) == [dead.worker_id]
    decode = trial.queue.job_ids.decode
    assert [decode(trial.dialect.loaded_id(run.job_id)) for _, run, _ in done.runs] == [job_id]
    assert trial.find(job_id, "lost", "attempts") == ("job", 1, 0)
    assert alive.succeed(alive.claim_one())


@promise()
def a_living_worker_keeps_its_jobs(trial: Trial) -> None:
    job_id = trial.put_one()
    alive, dead = trial.worker(), trial.worker()
    run = alive.claim_one()
    trial.recover(dead)
    trial.recover()

    assert trial.find(job_id, "worker_id") == ("running_job", alive.worker_id)
    assert alive.succeed(run)


@promise()
def a_second_recovery_finds_nothing(trial: Trial) -> None:
    job_id = trial.put_one()
    dead = trial.worker()
    dead.claim_one()
    trial.recover(dead)
    again = trial.recover(dead)

    assert (again.buried, again.runs) == ({}, [])
    assert trial.find(job_id, "lost") == ("job", 1)


@promise()
def a_run_that_appears_after_its_worker_was_buried_is_found_too(trial: Trial) -> None:
    """The last statement of a dead worker may commit after it."""
    job_id = trial.put_one()
    dead, other = trial.worker(), trial.worker()
    other.claim_one()
    trial.recover(dead)
    trial.say(
        f"UPDATE {trial.table('running_job')} SET worker_id = :dead", dead=dead.worker_id
    )  # as a claim under way would have left it
    done = trial.recover()

    assert len(done.runs) == 1
    assert trial.find(job_id, "lost") == ("job", 1)


@promise()
def a_job_may_end_in_its_recovery(trial: Trial) -> None:
    job_id = trial.put_one()
    dead = trial.worker()
    dead.claim_one()
    trial.recover(dead, status="failure")

    assert trial.find(job_id, "status", "lost") == ("archived_job", "failure", 1)


@promise()
def many_runs_are_recovered_bite_by_bite(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 450)
    dead, dead_too = trial.worker(), trial.worker()
    dead.claim(300)
    dead_too.claim(150)
    bites = [len(trial.recover(dead, dead_too).runs)]
    while bites[-1]:
        bites.append(len(trial.recover().runs))

    assert sum(bites) == 450
    assert len(bites) > 2, "each is bounded"
    assert trial.counts() == (450, 0, 0)


@promise()
def two_recoveries_at_once_count_a_loss_once(trial: Trial) -> None:
    job_id = trial.put_one()
    dead = trial.worker()
    run = dead.claim_one()
    trial.recover(dead)
    next_worker = trial.worker()
    next_run = next_worker.claim_one()
    # A slow peer that still believes in the old run.
    late = Outcome("job.released", None, run.attempts, run.lost + 1)

    assert dead.acknowledge((run, late)) == set()
    assert trial.find(job_id, "lost", "run_id") == ("running_job", 1, next_run.run_id)


@promise("skips_locked")
def a_run_that_is_completed_at_this_moment_is_not_recovered(trial: Trial) -> None:
    """Its handler's transaction is still open, and whether it commits decides."""
    job_id = trial.put_one()
    dead = trial.worker()
    run = dead.claim_one()
    dead.connection.run(begin(trial.dialect))
    ended = [Ended(run.run_id, succeeded(1, 0))]
    dead.connection.run(joined(trial.dialect, settle(trial.dialect, dead.worker_id, "contract:1", ended, None)))
    during = trial.recover(dead)
    dead.connection.run(commit(trial.dialect))
    after = trial.recover()

    assert (during.runs, after.runs) == ([], [])
    assert trial.find(job_id, "status") == ("archived_job", "success")
