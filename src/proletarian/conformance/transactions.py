"""Enqueues inside the application's own transaction: committed with it, or not at all."""

from __future__ import annotations

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import PayloadError, WrongCall
from proletarian.job import NewJob

CHECKS = Checks()
promise = CHECKS.promise

MANY = 5_000


@promise()
def enqueue_commits_with_its_transaction(trial: Trial) -> None:
    application = trial.application()
    job_id = application.enqueue()
    application.commit()

    assert trial.find(job_id) == ("job",)


@promise()
def enqueue_itself_never_commits(trial: Trial) -> None:
    application = trial.application()
    application.enqueue()
    application.enqueue_many([NewJob("greet")] * 3)
    seen_by_others = trial.count("job")
    application.commit()

    assert seen_by_others == 0
    assert trial.count("job") == 4


@promise()
def rollback_leaves_nothing(trial: Trial) -> None:
    application = trial.application()
    application.enqueue()
    application.enqueue_many([NewJob("greet")] * 3)
    application.roll_back()
    application.enqueue("the one that stays")
    application.commit()

    assert trial.counts() == (1, 0, 0)


@promise()
def closing_without_a_commit_leaves_nothing(trial: Trial) -> None:
    application = trial.application()
    application.enqueue()
    application.close()

    assert trial.count("job") == 0


@promise()
def one_transaction_may_enqueue_several_times(trial: Trial) -> None:
    application = trial.application()
    first = application.enqueue("first")
    many = application.enqueue_many([NewJob("many")] * 2)
    last = application.enqueue("last")
    application.commit()

    assert len({first, *many, last}) == 4
    assert trial.count("job") == 4


@promise("savepoints")
def rollback_to_a_savepoint_leaves_nothing_of_it(trial: Trial) -> None:
    application = trial.application()
    kept = application.enqueue("kept")
    application.execute("SAVEPOINT inner_part")
    application.enqueue("undone")
    application.enqueue_many([NewJob("undone")] * 3)
    application.execute("ROLLBACK TO SAVEPOINT inner_part")
    application.commit()

    assert trial.counts() == (1, 0, 0)
    assert trial.find(kept) == ("job",)


@promise()
def a_connection_works_again_after_an_error_and_a_rollback(trial: Trial) -> None:
    application = trial.application()
    job_id = application.enqueue()
    refused(Exception, lambda: application.enqueue(job_id=job_id))  # each library has its own error: the id is taken
    application.roll_back()
    application.enqueue()
    application.commit()

    assert trial.count("job") == 1


@promise("savepoints")
def an_error_inside_a_savepoint_spares_the_rest(trial: Trial) -> None:
    application = trial.application()
    job_id = application.enqueue()
    application.execute("SAVEPOINT inner_part")
    refused(Exception, lambda: application.enqueue(job_id=job_id))
    application.execute("ROLLBACK TO SAVEPOINT inner_part")
    application.commit()

    assert trial.find(job_id) == ("job",)


@promise()
def a_payload_that_cannot_be_stored_leaves_the_transaction_alone(trial: Trial) -> None:
    application = trial.application()
    application.enqueue()
    for wrong, after in ((float("nan"), 1), (object(), 1), (object(), 2500)):  # late enough for some to have been sent
        jobs = [NewJob("good")] * after + [NewJob("bad", {"value": wrong})]
        refused(PayloadError, lambda jobs=jobs: application.enqueue_many(jobs))  # type: ignore[misc]
    application.enqueue()
    application.commit()

    assert trial.count("job") == 2


@promise()
def enqueue_many_takes_5000_in_one_go(trial: Trial) -> None:
    application = trial.application()
    job_ids = application.enqueue_many(NewJob("greet", {"n": n}, process_in=n) for n in range(MANY))
    application.commit()

    assert len(set(job_ids)) == MANY
    assert trial.count("job") == MANY
    assert trial.find(job_ids[0], "payload") == ("job", '{"n":0}')
    assert trial.find(job_ids[-1], "payload") == ("job", f'{{"n":{MANY - 1}}}')


@promise()
def enqueue_many_of_nothing_is_nothing(trial: Trial) -> None:
    application = trial.application()
    job_ids = application.enqueue_many([])
    application.commit()

    assert job_ids == []
    assert trial.count("job") == 0


@promise()
def the_call_for_the_other_sort_of_connection_is_refused(trial: Trial) -> None:
    application = trial.application()
    said = refused(WrongCall, application.wrong_call)

    assert ("aenqueue" if application.is_async else "`enqueue(") in said, "it should name the right call"
