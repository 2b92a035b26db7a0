"""What is recorded about runs, and what is cleared away: progress, undecided runs, old archives."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.job import NewJob
from proletarian.outcomes import Outcome
from proletarian.sql.claiming import mine
from proletarian.sql.moving import retry
from proletarian.sql.progress import note_progress
from proletarian.sql.pruning import delete, ended
from proletarian.sql.rows import Ended
from proletarian.sql.settling import settle, undecided
from proletarian.sql.transactions import begin, commit, joined, roll_back

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def progress_is_noted_for_runs_of_ones_own(trial: Trial) -> None:
    job_ids = trial.put(NewJob("greet"), NewJob("greet"))
    worker, stranger = trial.worker(), trial.worker()
    first, second = worker.claim(2)
    notes = {first.run_id: '{"done": 1}', second.run_id: '{"done": 2}'}
    worker.connection.run(note_progress(trial.dialect, worker.worker_id, notes))
    stranger.connection.run(note_progress(trial.dialect, stranger.worker_id, {first.run_id: "no"}))

    assert sorted(trial.find(job_id, "progress")[1] for job_id in job_ids) == ['{"done": 1}', '{"done": 2}']


@promise()
def a_worker_knows_which_runs_are_its_own(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 3)
    worker, stranger = trial.worker(), trial.worker()
    runs = worker.claim(2)
    stranger.claim(1)

    found = worker.connection.run(mine(trial.dialect, worker.worker_id))
    assert sorted(found, key=lambda run: run.run_id) == runs


@promise()
def pruning_deletes_what_is_old_enough_and_no_more_than_told(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 10)
    worker = trial.worker()
    *good, bad = worker.claim(10)
    long_ago = trial.time() - timedelta(days=2)
    worker.acknowledge(*[(run, Outcome("", "success", 1)) for run in good[:6]], now=long_ago)
    worker.acknowledge((bad, Outcome("", "failure", 1)), now=long_ago)
    worker.succeed(*good[6:])

    before, after = long_ago - timedelta(seconds=1), long_ago + timedelta(seconds=1)
    assert trial.connection.run(ended(trial.dialect, before, long_ago, 100)) == [], "up to, and without, the end"
    assert len(trial.connection.run(ended(trial.dialect, long_ago, after, 4))) == 4
    found = trial.connection.run(ended(trial.dialect, before, after, 100))
    assert [kind for _, kind, _ in found] == ["greet"] * 7
    assert sorted(status for _, _, status in found) == ["failure", *["success"] * 6]

    succeeded = [job_id for job_id, _, status in found if status == "success"]
    trial.connection.run(delete(trial.dialect, succeeded, before))
    assert trial.counts() == (0, 0, 10), "those that have ended again in the meantime stay"
    trial.connection.run(delete(trial.dialect, succeeded[:4], after))
    assert trial.counts() == (0, 0, 6)


@promise("skips_locked")
def pruning_passes_over_what_an_application_has_locked(trial: Trial) -> None:
    job_id, _ = trial.put_one(), trial.put_one()
    worker = trial.worker()
    worker.succeed(*worker.claim(2))
    until = trial.time() + timedelta(minutes=1)
    application = trial.worker().connection
    stored = trial.dialect.stored_id(trial.queue.job_ids.encode(job_id))
    application.run(begin(trial.dialect))
    application.run(retry(trial.dialect, [stored], None, fresh=False))
    found = trial.connection.run(ended(trial.dialect, until - timedelta(hours=1), until, 100))
    trial.connection.run(delete(trial.dialect, [each for each, _, _ in found], until))
    application.run(roll_back(trial.dialect))

    assert trial.find(job_id)[0] == "archived_job"
    assert trial.counts() == (0, 0, 1)


@promise()
def a_run_completed_in_a_transaction_that_rolled_back_is_free(trial: Trial) -> None:
    trial.put(NewJob("greet"), NewJob("greet"))
    worker = trial.worker()
    gone, free = worker.claim(2)
    worker.succeed(gone)
    found = trial.connection.run(undecided(trial.dialect, worker.worker_id, [gone.run_id, free.run_id]))

    assert found == ({free.run_id}, {free.run_id})


@promise("skips_locked")
def a_run_completed_in_a_transaction_that_is_open_is_undecided(trial: Trial) -> None:
    trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    worker.connection.run(begin(trial.dialect))
    ended = [Ended(run.run_id, Outcome("", "success", 1))]
    worker.connection.run(joined(trial.dialect, settle(trial.dialect, worker.worker_id, "", ended, None)))
    here, free = trial.connection.run(undecided(trial.dialect, worker.worker_id, [run.run_id]))
    worker.connection.run(commit(trial.dialect))

    assert (here, free) == ({run.run_id}, set())
