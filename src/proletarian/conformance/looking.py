"""What people see and clear away: counts, workers, progress, old archives."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.job import NewJob
from proletarian.outcomes import Outcome
from proletarian.sql.rows import Ended

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def the_status_counts_each_queue(trial: Trial) -> None:
    trial.put(*[NewJob("greet", queue="mail")] * 4, NewJob("greet", queue="mail", process_in=3600))
    trial.put(NewJob("greet", queue="later", process_in=3600), NewJob("greet", queue="failed"))
    worker = trial.worker()
    worker.claim(wants={"mail": 1})
    worker.acknowledge(*[(run, Outcome("job.given_up", "failure", 1)) for run in worker.claim(wants={"failed": 1})])
    queues, workers = trial.connection.run(trial.dialect.status(1000))

    assert [tuple(row[:5]) for row in queues] == [
        ("failed", 0, 0, 0, 1),
        ("later", 1, 0, 0, 0),
        ("mail", 4, 3, 1, 0),
    ]
    ages = {row[0]: row[5] for row in queues}
    assert ages["failed"] is ages["later"] is None
    assert 0 <= ages["mail"] < 60
    assert [(trial.dialect.loaded_worker(row[0]), row[1]) for row in workers] == [(worker.worker_id, "contract")]
    assert 0 <= workers[0][5] < 60


@promise()
def counting_stops_at_its_limit(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 20)
    [(queue, waiting, due, *_)], _ = trial.connection.run(trial.dialect.status(7))

    assert (queue, waiting, due) == ("default", 7, 7)


@promise()
def progress_is_noted_for_runs_of_ones_own(trial: Trial) -> None:
    job_ids = trial.put(NewJob("greet"), NewJob("greet"))
    worker, stranger = trial.worker(), trial.worker()
    first, second = worker.claim(2)
    notes = {first.run_id: '{"done": 1}', second.run_id: '{"done": 2}'}
    worker.connection.run(trial.dialect.note_progress(worker.worker_id, notes))
    stranger.connection.run(trial.dialect.note_progress(stranger.worker_id, {first.run_id: "no"}))

    assert sorted(trial.find(job_id, "progress")[1] for job_id in job_ids) == ['{"done": 1}', '{"done": 2}']


@promise()
def a_worker_knows_which_runs_are_its_own(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 3)
    worker, stranger = trial.worker(), trial.worker()
    runs = worker.claim(2)
    stranger.claim(1)

    found = worker.connection.run(trial.dialect.mine(worker.worker_id))
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

    def prune(seconds: float, succeeded: bool, most: int) -> int:
        return trial.connection.run(trial.dialect.prune(seconds, succeeded, most))

    day = 86400.0
    assert prune(3 * day, True, 100) == 0
    assert [prune(day, True, 4), prune(day, True, 4), prune(day, True, 4)] == [4, 2, 0]
    assert trial.count("archived_job") == 4
    assert prune(day, False, 100) == 1
    assert trial.counts() == (0, 0, 3)


@promise()
def a_run_completed_in_a_transaction_that_rolled_back_is_free(trial: Trial) -> None:
    trial.put(NewJob("greet"), NewJob("greet"))
    worker = trial.worker()
    gone, free = worker.claim(2)
    worker.succeed(gone)
    found = trial.connection.run(trial.dialect.undecided(worker.worker_id, [gone.run_id, free.run_id]))

    assert found == ({free.run_id}, {free.run_id})


@promise("skips_locked")
def a_run_completed_in_a_transaction_that_is_open_is_undecided(trial: Trial) -> None:
    trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    worker.connection.run(trial.dialect.begin())
    ended = [Ended(run.run_id, Outcome("", "success", 1))]
    worker.connection.run(trial.dialect.joined(trial.dialect.settle(worker.worker_id, "", ended, None)))
    here, free = trial.connection.run(trial.dialect.undecided(worker.worker_id, [run.run_id]))
    worker.connection.run(trial.dialect.commit())

    assert (here, free) == ({run.run_id}, set())
