"""What people do with jobs: cancel, retry, reschedule, delete, pause; in the application's transaction."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import FilterError, WrongState
from proletarian.filters import JobFilter
from proletarian.ids import UUID4, DatabaseGenerated
from proletarian.job import NewJob, headers_in
from proletarian.kept_errors import errors_in
from proletarian.outcomes import Outcome
from proletarian.sql.orders import Change, Request, orders

CHECKS = Checks()
promise = CHECKS.promise


def failed(trial: Trial, **options: Any) -> Any:
    """A job that failed once, and is archived; returns its id."""
    job_id = trial.put_one(**options)
    worker = trial.worker()
    [run] = worker.claim(wants={options.get("queue", "default"): 1})
    worker.acknowledge((run, Outcome("job.given_up", "failure", 1, errors='[{"type": "ValueError"}]')))
    return job_id


@promise()
def a_waiting_job_is_cancelled_in_one_move(trial: Trial) -> None:
    due, later = trial.put_one(), trial.put_one(process_in=3600)
    application = trial.application()
    done = [application.act("cancel", job_id, reason="twice, ĳ", by="ann") for job_id in (due, later)]
    assert trial.counts() == (2, 0, 0), "nothing happens before the commit"
    application.commit()

    assert done == [(1, 0, 0, 0)] * 2
    for job_id in (due, later):
        place, status, errors = trial.find(job_id, "status", "errors")
        assert (place, status) == ("archived_job", "cancelled")
        [note] = errors_in(errors)
        assert (note["type"], note["message"], note["worker"]) == ("Cancel", "twice, ĳ (by ann)", "ann")


@promise()
def a_limit_is_set_and_reset_in_the_transaction(trial: Trial) -> None:
    worker, application = trial.worker(), trial.application()
    application.act("set_limit", "smtp", 3, rate=10, seconds=2, by="ĳ")
    application.act("set_limit", "smtp", 4, by="ĳ")
    application.act("set_limit", "other", 0)
    assert worker.connection.run(orders(worker.dialect)).limits == {}, "nothing happens before the commit"
    application.commit()
    assert worker.connection.run(orders(worker.dialect)).limits == {"smtp": Change(4), "other": Change(0)}

    seen = [(limit.name, limit.running, limit.rate, limit.by) for limit in application.act("limits")]
    assert seen == [("other", 0, None, ""), ("smtp", 4, None, "ĳ")]
    assert [application.act("reset_limit", name) for name in ("smtp", "smtp")] == [True, False]
    application.roll_back()
    assert [limit.name for limit in application.act("limits")] == ["other", "smtp"]
    application.commit()


@promise()
def a_cancel_that_is_rolled_back_has_not_happened(trial: Trial) -> None:
    job_id = trial.put_one()
    application = trial.application()
    application.act("cancel", job_id)
    application.roll_back()

    assert trial.find(job_id)[0] == "job"
    assert trial.counts() == (1, 0, 0)


@promise()
def a_running_job_is_asked_to_end_and_its_row_is_left_alone(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    application = trial.application()
    assert application.act("cancel", job_id, reason="ĳ", by="ann") == (0, 1, 0, 0)
    if "skips_locked" not in trial.subject.lacks:
        assert worker.succeed(run) == {run.run_id}, "an open transaction holds up no acknowledgement"
        assert sum(application.act("cancel", job_id)) == 1, "asked or ended, as this transaction sees it"
    application.commit()

    found = trial.connection.run(orders(trial.dialect)).cancelled
    assert list(found) == [run.job_id]
    if "skips_locked" in trial.subject.lacks:
        assert found[run.job_id] == Request("ĳ", "ann")
        worker.succeed(run)
    trial.recover()
    assert trial.count("cancel_request") == 0, "the request goes with the run"
    assert trial.find(job_id, "status") == ("archived_job", "success"), "it is what it became"


@promise()
def a_run_that_is_retried_before_it_hears_of_its_cancel_is_cancelled_all_the_same(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    application = trial.application()
    application.act("cancel", job_id, by="ann")
    application.commit()
    worker.acknowledge((run, Outcome("job.retrying", None, 1, delay=0.0, errors='[{"type": "ValueError"}]')))
    done = trial.recover()

    assert [request for _, request in done.cancelled] == [Request("", "ann")]
    place, status, errors = trial.find(job_id, "status", "errors")
    assert (place, status) == ("archived_job", "cancelled")
    assert [error["type"] for error in errors_in(errors)] == ["ValueError", "Cancel"]
    assert trial.count("cancel_request") == 0


@promise()
def a_job_whose_worker_dies_is_cancelled_if_that_was_asked_for(trial: Trial) -> None:
    job_id = trial.put_one()
    dying = trial.worker()
    dying.claim_one()
    application = trial.application()
    application.act("cancel", job_id)
    application.commit()
    trial.recover(dying)

    assert trial.find(job_id, "status") == ("archived_job", "cancelled")
    assert trial.count("cancel_request") == 0


@promise()
def it_is_said_what_a_cancel_found(trial: Trial) -> None:
    ended = failed(trial)
    unknown = UUID4().generate()
    application = trial.application()

    assert application.act("cancel", ended) == (0, 0, 1, 0)
    assert application.act("cancel", unknown) == (0, 0, 0, 1)


@promise()
def an_archived_job_runs_again_with_what_it_has_been_through(trial: Trial) -> None:
    kept, fresh = failed(trial, priority=3, headers={"tenant": "a"}), failed(trial)
    application = trial.application()
    assert application.act("retry", kept) == 1
    assert application.act("retry", fresh, fresh=True) == 1
    application.commit()

    assert trial.counts() == (2, 0, 0)
    assert trial.find(kept, "attempts", "priority", "lost") == ("job", 1, 3, 0)
    assert headers_in(trial.find(kept, "headers")[1]) == {"tenant": "a"}
    assert errors_in(trial.find(kept, "errors")[1]) == [{"type": "ValueError"}]
    assert trial.find(fresh, "attempts", "errors") == ("job", 0, None)
    assert len(trial.worker().claim(2)) == 2


@promise()
def what_is_not_archived_is_not_retried(trial: Trial) -> None:
    job_id = trial.put_one()
    application = trial.application()

    assert "is waiting" in refused(WrongState, lambda: application.act("retry", job_id))
    assert "does not exist" in refused(WrongState, lambda: application.act("retry", UUID4().generate()))
    assert "running" in refused(FilterError, lambda: application.act("retry", "state:running"))


@promise()
def a_waiting_job_is_rescheduled(trial: Trial) -> None:
    job_id = trial.put_one(process_in=3600)
    application = trial.application()
    assert application.act("reschedule", job_id, process_in=0) == 1
    application.commit()
    worker = trial.worker()
    [run] = worker.claim()
    assert run.job_id == trial.dialect.stored_id(job_id) or str(run.job_id) == str(job_id)
    assert "is running" in refused(WrongState, lambda: application.act("reschedule", job_id, priority=1))
    application.roll_back()

    other = trial.put_one()
    at = trial.time().replace(microsecond=0) + timedelta(days=1)
    application.act("reschedule", other, process_at=at)
    application.act("reschedule", other, priority=7)
    application.commit()
    assert trial.find(other, "process_at", "priority") == ("job", at, 7)


@promise()
def waiting_and_archived_jobs_are_deleted_and_running_ones_are_not(trial: Trial) -> None:
    ended, running, waiting = failed(trial), trial.put_one(), trial.put_one(process_in=60)
    trial.worker().claim_one()
    application = trial.application()
    assert application.act("delete_jobs", ended) == application.act("delete_jobs", waiting) == 1
    assert "is running" in refused(WrongState, lambda: application.act("delete_jobs", running))
    application.commit()

    assert trial.counts() == (0, 1, 0)


@promise()
def a_filter_is_followed_to_its_last_job(trial: Trial) -> None:
    trial.put(*[NewJob("send")] * 503, *[NewJob("keep")] * 3)
    application = trial.application()
    assert application.act("cancel", "type:send queue:default", reason="enough") == (503, 0, 0, 0)
    application.commit()
    assert trial.counts() == (3, 0, 503)
    assert application.act("retry", "type:send error:enough") == 503
    assert application.act("reschedule", "type:send", process_in=60) == 503
    assert application.act("delete_jobs", "type:send state:scheduled") == 503
    application.commit()

    assert trial.counts() == (3, 0, 0)


@promise()
def a_filter_that_leaves_no_job_out_is_refused(trial: Trial) -> None:
    application = trial.application()

    assert "matches every job" in refused(FilterError, lambda: application.act("cancel", JobFilter()))
    assert application.act("delete_jobs", "queue:*") == 0


@promise()
def jobs_are_acted_on_whatever_their_ids_are(trial: Trial) -> None:
    trial = trial.with_queue(job_ids=DatabaseGenerated())
    [job_id] = trial.put(NewJob("greet"))
    application = trial.application()
    assert application.act("cancel", job_id).waiting == 1
    assert application.act("retry", job_id) == 1
    assert application.act("delete_jobs", job_id) == 1


@promise()
def a_pause_is_there_for_all_from_its_commit_on(trial: Trial) -> None:
    application = trial.application()
    application.act("pause", "mail", reason="smtp is down ĳ", by="ann")
    assert trial.connection.run(orders(trial.dialect)).paused == frozenset()
    application.commit()
    assert trial.connection.run(orders(trial.dialect)).paused == {"mail"}
    [pause] = application.act("pauses")
    application.commit()
    assert (pause.queue, pause.reason, pause.by) == ("mail", "smtp is down ĳ", "ann")
    assert abs(pause.paused_at - trial.time()) < timedelta(minutes=1)

    application.act("pause", "mail")
    assert application.act("resume", "mail") is True
    assert application.act("resume", "mail") is False
    application.commit()
    assert trial.connection.run(orders(trial.dialect)).paused == frozenset()
