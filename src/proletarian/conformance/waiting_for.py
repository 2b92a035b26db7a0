"""Jobs that wait for others: held, released once, cancelled with the reason, held again; through any driver."""

from __future__ import annotations

from typing import Any

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import ConfigurationError
from proletarian.ids import UUID4
from proletarian.job import NewJob
from proletarian.kept_errors import errors_in
from proletarian.outcomes import Outcome
from proletarian.sql.flows.late import look_late
from proletarian.sql.flows.looking import results_of
from proletarian.sql.flows.releasing import release

CHECKS = Checks()  # of a driver
promise = CHECKS.promise


def chain(*names: str, **options: Any) -> list[NewJob]:
    """A chain of jobs, each of which waits for the one before."""
    ids = [UUID4().generate() for _ in names]
    return [
        NewJob(name, job_id=job_id, after=ids[place - 1 : place] or None, **(options if place else {}))
        for place, (name, job_id) in enumerate(zip(names, ids, strict=True))
    ]


def released(trial: Trial) -> int:
    """What a worker does after its acknowledgements, and its keeper too; returns how many jobs may run now."""
    count = 0
    while True:
        ended, _ = trial.connection.run(look_late(trial.dialect, 0))
        done = trial.connection.run(release(trial.dialect, trial.queue.now()))
        count += done.ready
        if not (done.more or ended):
            return count


@promise()
def a_job_that_waits_is_held_until_the_other_has_succeeded(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first, second = application.enqueue_many(chain("first", "second"))
    held_before = trial.count("held_job")
    application.commit()
    record = application.find_job(second)
    application.commit()
    [run] = worker.claim(5)
    early = released(trial)
    worker.acknowledge((run, Outcome("job.succeeded", "success", 1, result='"ĳ"')))

    assert held_before == 0, "nothing happens before the commit"
    assert (record.state, str(record.why)) == ("held", f"it waits for 1 job: {first}")
    assert (list(record.after), list(application.find_job(first).before)) == ([first], [second])
    assert (run.job_type, early) == ("first", 0)
    assert (released(trial), released(trial)) == (1, 0), "it is released once"
    [run] = worker.claim(5)
    assert run.job_type == "second"
    found = worker.connection.run(results_of(trial.dialect, run.job_id))
    assert list(found.values()) == ['"ĳ"']


@promise()
def a_flow_that_is_rolled_back_leaves_nothing(trial: Trial) -> None:
    application = trial.application()
    application.enqueue_many(chain("first", "second"))
    application.roll_back()

    assert [trial.count(name) for name in ("job", "held_job", "dependency", "late_dependency")] == [0] * 4


@promise()
def a_failure_cancels_down_to_the_end_and_a_retry_holds_again(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first, second, third = application.enqueue_many(chain("first", "second", "third"))
    application.commit()
    worker.acknowledge((worker.claim_one(), Outcome("job.given_up", "failure", 1)))
    ready = released(trial)
    states = [application.find_job(one).state for one in (first, second, third)]
    [note] = application.find_job(second).errors
    application.commit()
    application.act("retry", first)
    application.commit()
    again = [application.find_job(one).state for one in (first, second, third)]
    application.commit()
    worker.succeed(worker.claim_one())
    after_first = released(trial)
    worker.succeed(worker.claim_one())

    assert (ready, states) == (0, ["failed", "cancelled", "cancelled"])
    assert (note["type"], note["message"]) == ("AwaitedFailed", f"it waited for job {first}, which failed")
    assert again == ["waiting", "held", "held"]
    assert (after_first, released(trial)) == (1, 1)


@promise()
def one_that_runs_anyway_runs_once_the_other_has_ended(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    application.enqueue_many(chain("first", "second", if_failed="run"))
    application.commit()
    run = worker.claim_one()
    worker.retry(run, delay=0)
    while_it_is_tried = released(trial)
    worker.acknowledge((worker.claim_one(), Outcome("job.given_up", "failure", 2)))

    assert (while_it_is_tried, released(trial)) == (0, 1)


@promise()
def a_job_may_wait_for_one_of_another_transaction(trial: Trial) -> None:
    application, worker = trial.application(), trial.worker()
    first = application.enqueue("first")
    application.commit()
    run = worker.claim_one()
    second = application.enqueue("second", after=[first])
    if "skips_locked" not in trial.subject.lacks:
        assert worker.succeed(run) == {run.run_id}, "an open transaction holds up no acknowledgement"
    application.commit()
    if "skips_locked" in trial.subject.lacks:
        worker.succeed(run)

    assert trial.count("held_job") == 1
    assert released(trial) == 1
    assert trial.find(second)[0] == "job"


@promise()
def people_cancel_and_delete_what_is_held_and_what_is_waited_for(trial: Trial) -> None:
    application = trial.application()
    for act, gone in (("cancel", 0), ("cancel", 1), ("delete_jobs", 0), ("delete_jobs", 1)):
        ids = application.enqueue_many(chain("first", "second", "third"))
        application.commit()
        application.act(act, ids[gone])
        application.commit()
        released(trial)
        last = trial.find(ids[2], "status", "errors")
        assert last[:2] == ("archived_job", "cancelled")
        assert errors_in(last[2])[-1]["type"] == "AwaitedFailed"
    assert trial.count("held_job") == trial.count("wait_over") == 0


@promise()
def a_circle_and_a_job_that_is_not_there_are_refused(trial: Trial) -> None:
    application = trial.application()
    one, two = UUID4().generate(), UUID4().generate()
    circle = [NewJob("a", job_id=one, after=[two]), NewJob("b", job_id=two, after=[one])]
    said = refused(ConfigurationError, lambda: application.enqueue_many(circle))
    missing = refused(ConfigurationError, lambda: application.enqueue("a", after=[two]))
    application.commit()

    assert "wait for each other" in said
    assert str(two) in missing
    assert trial.counts() == (0, 0, 0)
