"""Unique jobs: at most one per key, and never "it exists already" without a job behind it."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any, Literal

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import AlreadyEnqueued
from proletarian.ids import DatabaseGenerated
from proletarian.job import NewJob
from proletarian.unique import Unique

CHECKS = Checks()
promise = CHECKS.promise

ODD = """' " \\ % %s %(x)s :name $1 ? {} -- 漢 😀"""
UNTIL: tuple[Literal["started", "finished"], ...] = ("started", "finished")


@promise()
def one_of_a_key_is_enqueued_and_the_others_return_its_id(trial: Trial) -> None:
    application, other = trial.application(), trial.application()
    first = application.enqueue(unique="42")
    again = application.enqueue(unique="42")
    application.commit()
    [later, seven] = other.enqueue_many([NewJob("greet", unique=key) for key in ("42", "7")])
    other.commit()

    assert first == again == later != seven
    assert trial.count("job") == 2


@promise()
def a_key_is_the_job_types_own_and_any_text(trial: Trial) -> None:
    application = trial.application()
    job_ids = [application.enqueue(job_type, unique=key) for job_type in ("a", "A") for key in (ODD, "k", "k ", "K")]
    again = application.enqueue_many(
        [NewJob(job_type, unique=key) for job_type in ("a", "A") for key in (ODD, "k", "k ", "K")]
    )
    application.commit()

    assert len(set(job_ids)) == 8
    assert again == job_ids


@promise()
def a_rollback_frees_what_it_took(trial: Trial) -> None:
    application = trial.application()
    gone = application.enqueue(unique="42")
    application.enqueue_many([NewJob("greet", unique=key) for key in ("7", "8")])
    application.roll_back()
    there = application.enqueue(unique="42")
    application.commit()

    assert gone != there
    assert trial.find(there) == ("job",)
    assert trial.count("job") == 1


@promise("savepoints")
def a_rollback_to_a_savepoint_frees_what_was_taken_in_it(trial: Trial) -> None:
    application = trial.application()
    kept = application.enqueue(unique="7")
    application.execute("SAVEPOINT inner_part")
    undone = application.enqueue(unique="42")
    same = application.enqueue(unique="7")
    application.execute("ROLLBACK TO SAVEPOINT inner_part")
    there = application.enqueue(unique="42")
    application.commit()

    assert same == kept
    assert undone != there
    assert trial.count("job") == 2


@promise()
def in_bulk_ids_come_in_order_and_doubles_are_dropped(trial: Trial) -> None:
    application = trial.application()
    there = application.enqueue(unique="3")
    jobs = [NewJob("greet", {"n": n}, unique=str(n % 300)) for n in range(600)]
    jobs.insert(7, NewJob("plain"))
    job_ids = application.enqueue_many(jobs)
    application.commit()

    plain = job_ids.pop(7)
    assert job_ids[:300] == job_ids[300:]
    assert job_ids[3] == there
    assert len({*job_ids, plain}) == trial.count("job") == 301


@promise()
def until_finished_keeps_one_that_waits_runs_or_is_to_be_retried(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue(unique=Unique(until="finished"))
    application.commit()
    seen = []
    [run] = worker.claim()
    seen.append(application.enqueue(unique=Unique(until="finished")))
    application.commit()
    worker.retry(run, delay=0.0)
    seen.append(application.enqueue(unique=Unique(until="finished")))
    application.commit()
    [run] = worker.claim()
    worker.succeed(run)
    second = application.enqueue(unique=Unique(until="finished"))
    application.commit()

    assert seen == [first, first]
    assert second != first
    assert trial.counts() == (1, 0, 1)


@promise()
def until_started_keeps_one_that_waits_for_its_first_run(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue(unique=Unique(until="started"))
    kept = application.enqueue(unique=Unique(until="started"))
    application.commit()
    [run] = worker.claim()
    second = application.enqueue(unique=Unique(until="started"))
    application.commit()
    worker.retry(run, delay=0.0)  # it never holds the key again
    third = application.enqueue(unique=Unique(until="started"))
    application.commit()

    assert kept == first != second == third
    assert trial.counts() == (2, 0, 0)


@promise()
def a_time_counts_from_the_enqueue_whatever_became_of_the_job(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    rules = Unique(within=timedelta(seconds=0.5))
    started = time.monotonic()
    first = application.enqueue(unique=rules)
    application.commit()
    worker.succeed(*worker.claim())
    kept = application.enqueue(unique=rules)
    application.commit()
    took = time.monotonic() - started
    time.sleep(0.55)
    second = application.enqueue(unique=rules)
    application.commit()

    assert kept == first or took > 0.4
    assert second != first


@promise()
def replace_changes_what_the_waiting_one_will_do(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    for until in UNTIL:
        rules = Unique(until=until, on_conflict="replace")
        first = application.enqueue(payload={"n": ODD}, process_in=3600, unique=rules)
        second = application.enqueue(payload={"n": ODD * 2}, headers={"a": ODD}, priority=3, unique=rules)
        third, *_ = application.enqueue_many([NewJob("greet", {"n": n}, unique=rules) for n in (1, 2)])
        application.commit()
        [run] = worker.claim()

        assert first == second == third == trial.queue.job_ids.decode(trial.dialect.loaded_id(run.job_id))
        assert (run.payload, run.priority, run.headers) == ('{"n":2}', 0, None)
        worker.succeed(run)


@promise()
def raise_says_which_job_is_there_and_the_transaction_lives(trial: Trial) -> None:
    application = trial.application()
    rules = Unique(on_conflict="raise")
    found: list[Any] = []
    first = application.enqueue(unique=rules)
    for call in (
        lambda: application.enqueue(unique=rules),
        lambda: application.enqueue_many([NewJob("other", unique=rules), NewJob("greet", unique=rules)]),
    ):
        try:
            refused(AlreadyEnqueued, call)
            call()
        except AlreadyEnqueued as error:
            found.append(error.job_id)
    application.enqueue("other", unique=rules)
    application.commit()

    assert found == [first, first]
    assert trial.count("job") == 2


@promise("skips_locked")
def a_job_that_is_kept_does_not_start_before_the_commit(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue(unique=Unique(until="started"))
    application.commit()
    trial.put_one(queue="default")
    kept = application.enqueue(unique=Unique(until="started"))
    meanwhile = worker.claim()
    application.commit()
    afterwards = worker.claim()

    assert kept == first
    assert len(meanwhile) == 1, "others start, and nobody waits for that transaction"
    assert [run.job_id for run in meanwhile] != [run.job_id for run in afterwards]
    assert len(afterwards) == 1


@promise("skips_locked")
def an_end_does_not_wait_for_one_who_keeps_the_job(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue(unique="42")
    application.commit()
    [run] = worker.claim()
    kept = application.enqueue(unique="42")
    ours = worker.succeed(run)
    application.commit()

    assert kept == first
    assert ours == {run.run_id}


@promise()
def a_completed_job_frees_its_key_with_its_handlers_transaction(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue(unique="42")
    application.commit()
    [run] = worker.claim()
    application.complete(worker, run)
    second = application.enqueue(unique="42")
    application.commit()

    assert first != second
    assert trial.counts() == (1, 0, 1)


@promise()
def a_lost_job_keeps_its_key(trial: Trial) -> None:
    application, dead = trial.application(), trial.worker()
    first = application.enqueue(unique="42")
    application.commit()
    dead.claim()
    trial.recover(dead)
    kept = application.enqueue(unique="42")
    application.commit()
    gone = trial.worker()
    gone.claim()
    trial.recover(gone, status="failed")
    second = application.enqueue(unique="42")
    application.commit()

    assert kept == first != second


@promise()
def ids_that_the_database_makes_are_returned(trial: Trial) -> None:
    numbered = trial.with_queue(job_ids=DatabaseGenerated())
    application = numbered.application()
    first = application.enqueue(unique="42")
    again = application.enqueue(unique="42")
    [same, other] = application.enqueue_many([NewJob("greet", unique=key) for key in ("42", "7")])
    application.commit()

    assert first == again == same != other
    assert numbered.find(first) == ("job",)
    assert numbered.count("job") == 2
