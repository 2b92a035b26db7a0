"""Jobs as people look at them: one by its id, pages of them, counts; in the caller's transaction."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import FilterError
from proletarian.filters import JobFilter
from proletarian.ids import UUID4, DatabaseGenerated
from proletarian.job import NewJob
from proletarian.kept_errors import with_error
from proletarian.outcomes import Outcome
from proletarian.sql.progress import note_progress
from proletarian.sql.rows import Claimed

CHECKS = Checks()
promise = CHECKS.promise

TROUBLES = 'it said "no", 100% – \\ and żółć: 50_000'


def archived(worker: Member, status: str, **said: Any) -> Claimed:
    """A run that has ended with this status."""
    run = worker.claim_one()
    worker.acknowledge((run, Outcome("", status, run.attempts + 1, **said)))
    return run


def errors(text: str) -> str:
    """What a row keeps about one error."""
    return with_error(None, TimeoutError(text), attempt=1, worker="host:7", at=datetime(2026, 1, 2, tzinfo=UTC))


@promise()
def a_job_is_found_wherever_it_is(trial: Trial) -> None:
    ids = [trial.put_one(queue=queue) for queue in ("a", "b", "c", "d", "e")]
    later = trial.put_one(process_in=3600)
    worker = trial.worker()
    [_, running] = [worker.claim(wants={queue: 1})[0] for queue in ("a", "b")]
    for queue, status in (("c", "success"), ("d", "failure"), ("e", "cancelled")):
        [run] = worker.claim(wants={queue: 1})
        worker.acknowledge((run, Outcome("", status, 1)))
    application = trial.application()
    found = [application.find_job(job_id) for job_id in (*ids, later)]

    assert [job.job_id for job in found] == [*ids, later]
    assert [job.state for job in found] == ["running", "running", "succeeded", "failed", "cancelled", "scheduled"]
    assert application.find_job(trial.queue.job_ids.generate()) is None
    assert running.job_type == found[1].job_type


@promise()
def a_record_holds_what_is_known_of_a_job(trial: Trial) -> None:
    trial.put(NewJob("greet", {"name": "żółć 🦆"}, headers={"tags": "vip, new"}, priority=3))
    worker = trial.worker()
    before = trial.time() - timedelta(seconds=0.001)
    run = archived(worker, "failure", errors=errors(TROUBLES), result='{"sum": 3}')
    job = trial.application().find_job(run_id_of(trial, run))

    assert (job.job_type, job.queue, job.payload) == ("greet", "default", {"name": "żółć 🦆"})
    assert (job.priority, job.attempts, job.lost, job.tags) == (3, 1, 0, ("vip", "new"))
    assert [(error["type"], error["message"]) for error in job.errors] == [("TimeoutError", TROUBLES)]
    assert (job.result, job.worker, job.unreadable) == ({"sum": 3}, "contract:1", None)
    times = [job.enqueued_at, job.started_at, job.finished_at]
    assert all(moment.tzinfo is UTC for moment in times)
    assert sorted(times) == times
    assert before <= job.started_at <= trial.time() + timedelta(seconds=0.001)


def run_id_of(trial: Trial, run: Claimed) -> Any:
    """The id of a run's job, as the application sees it."""
    return trial.queue.job_ids.decode(trial.dialect.loaded_id(run.job_id))


@promise()
def a_running_job_says_who_runs_it_and_how_far_it_is(trial: Trial) -> None:
    job_id = trial.put_one()
    worker = trial.worker()
    run = worker.claim_one()
    worker.connection.run(note_progress(trial.dialect, worker.worker_id, {run.run_id: '{"done": 3, "total": 9}'}))
    job = trial.application().find_job(job_id)

    assert job.state == "running"
    assert job.worker is not None
    assert job.worker.startswith("contract:")
    assert job.progress == {"done": 3, "total": 9}


@promise()
def what_the_transaction_has_done_is_seen_in_it(trial: Trial) -> None:
    application = trial.application()
    job_id = application.enqueue()

    assert application.find_job(job_id).state == "waiting"
    assert application.count_jobs() == 1
    application.roll_back()
    assert application.find_job(job_id) is None
    assert trial.count("job") == 0


@promise()
def looking_leaves_the_transaction_open(trial: Trial) -> None:
    application = trial.application()
    job_id = application.enqueue()
    application.find_job(job_id)
    application.find_jobs("payload.x:1")
    application.count_jobs("tag:x")
    application.roll_back()

    assert trial.count("job") == 0


@promise()
def secrets_are_hidden_unless_asked_for(trial: Trial) -> None:
    job_id = trial.put_one(payload={"user": {"password": "sesame", "name": "Ada"}})
    application = trial.application()

    assert application.find_job(job_id).payload == {"user": {"password": "********", "name": "Ada"}}
    assert application.find_jobs()[0].payload["user"]["password"] == "********"  # noqa: S105 (it is none)
    assert application.find_job(job_id, masked=False).payload["user"]["password"] == "sesame"  # noqa: S105


@promise()
def a_payload_that_cannot_be_read_says_so_and_hides_no_other(trial: Trial) -> None:
    bad, good = trial.put(NewJob("greet", {"n": 1}), NewJob("greet", {"n": 1}))
    stored = trial.dialect.stored_id(trial.queue.job_ids.encode(bad))
    trial.say(
        f"UPDATE {trial.table('job')} SET payload = '(broken', headers = '[' WHERE job_id = :job_id", job_id=stored
    )
    application = trial.application()
    job = application.find_job(bad)

    assert (job.payload, job.headers) == (None, {})
    assert "UnreadablePayload" in job.unreadable
    assert [job.job_id for job in application.find_jobs("payload.n:1")] == [good]
    assert len(application.find_jobs()) == 2


@promise()
def pages_go_from_the_newest_to_the_oldest_and_miss_none(trial: Trial) -> None:
    ids = trial.put(*[NewJob("greet", {"n": n}) for n in range(25)])
    worker = trial.worker()
    worker.succeed(*worker.claim(10))
    worker.claim(5)
    application = trial.application()
    seen: list[Any] = []
    page = application.find_jobs(limit=10)
    while page.next is not None:
        seen += page
        worker.succeed(*worker.claim(1))  # it moves while we look
        page = application.find_jobs(limit=10, after=page.next)
    seen += page

    assert [job.job_id for job in seen] == sorted(ids, reverse=True)


@promise()
def a_page_at_the_end_has_no_next(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 4)
    application = trial.application()

    assert [len(application.find_jobs(limit=2)), application.find_jobs(limit=4).next] == [2, None]
    assert application.find_jobs(limit=2).next is not None
    assert application.find_jobs("type:other").next is None


@promise()
def a_filter_finds_what_it_means(trial: Trial) -> None:
    trial.put(
        NewJob("send_mail", {"user": {"id": 42}, "to": "a@b.c"}, queue="mail", headers={"tags": "vip,new"}),
        NewJob("send_sms", {"user": {"id": 7}, "note": TROUBLES}, queue="mail-2", headers={"tags": "new"}),
        NewJob("Send_mail", {"user": {"id": "42"}, "urgent": True, "a.b": 7, "c": [7, 8]}, queue="MAIL"),
        NewJob("sendXmail", {"to": None}, queue="[x]%", process_in=3600),
    )
    application = trial.application()

    def found(which: JobFilter | str) -> str:
        jobs = application.find_jobs(which)
        assert application.count_jobs(which) == len(jobs)
        return " ".join(sorted(job.job_type for job in jobs))

    assert found("") == "Send_mail sendXmail send_mail send_sms"
    assert found("queue:mail") == "send_mail"
    assert found("queue:mail*") == "send_mail send_sms"
    assert found("queue:mail*,MAIL") == "Send_mail send_mail send_sms"
    assert found(JobFilter(queue="[x]*")) == found(JobFilter(queue="*%")) == "sendXmail"
    assert found("type:send_*") == "send_mail send_sms"
    assert found("type:*mail") == "Send_mail sendXmail send_mail"
    assert found("state:scheduled") == "sendXmail"
    assert found("state:waiting") == "Send_mail send_mail send_sms"
    assert found("state:held,running") == ""
    assert found("payload.user.id:42") == "Send_mail send_mail"
    assert found("payload.a.b:7") == found("payload.c.1:8") == "Send_mail"
    assert found(JobFilter(payload={"user.id": "42", "urgent": True})) == "Send_mail"
    assert found("payload.to:null") == "sendXmail"
    assert found("payload.urgent:true") == "Send_mail"
    assert found(JobFilter(payload={"note": TROUBLES})) == "send_sms"
    assert found("tag:new") == "send_mail send_sms"
    assert found("tag:new,vip") == "send_mail"
    assert found("tag:ne") == ""
    assert found(JobFilter(job_type="it's; --")) == ""
    assert found("since:1h") == "Send_mail sendXmail send_mail send_sms"
    assert found("until:1h") == ""


@promise()
def a_filter_finds_runs_by_what_became_of_them(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 4)
    worker = trial.worker()
    late = archived(worker, "failure", errors=errors(TROUBLES))
    archived(worker, "cancelled")
    archived(worker, "success")
    worker.claim_one()
    application = trial.application()

    assert [job.job_id for job in application.find_jobs(JobFilter(error=TROUBLES))] == [run_id_of(trial, late)]
    assert [job.state for job in application.find_jobs("error:TimeoutErr")] == ["failed"]
    assert len(application.find_jobs("error:timeout")) == 0
    assert application.count_jobs("state:failed") == 1
    assert sorted(job.state for job in application.find_jobs("state:failed,cancelled")) == ["cancelled", "failed"]
    assert application.count_jobs("state:succeeded,failed,cancelled") == 3
    assert application.count_jobs("worker:contract") == 4
    assert application.count_jobs("worker:nobody") == 0
    assert application.count_jobs(JobFilter(job_id=[run_id_of(trial, late)])) == 1
    assert [str(job.job_id) for job in application.find_jobs(f"id:{run_id_of(trial, late)}")] == [
        str(run_id_of(trial, late))
    ]


@promise()
def a_count_says_where_it_ended(trial: Trial) -> None:
    trial.put(*[NewJob("greet")] * 12)
    application = trial.application()

    for which in ("", "type:gre*", "state:waiting"):
        bounded = application.count_jobs(which, most=11)
        assert (bounded, bounded.is_exact, str(bounded)) == (11, False, "11+")
        exact = application.count_jobs(which, most=12)
        assert (exact, exact.is_exact) == (12, True)


@promise()
def jobs_are_found_whatever_their_ids_are(trial: Trial) -> None:
    for job_ids in (DatabaseGenerated(), UUID4()):
        other = trial.with_queue(job_ids=job_ids)
        ids = other.put(*[NewJob("greet")] * 5)
        application = other.application()
        first = application.find_jobs(limit=3)
        second = application.find_jobs(limit=3, after=first.next)

        assert [job.job_id for job in (*first, *second)] == sorted(ids, reverse=True)
        assert application.find_job(ids[0]).job_id == ids[0]
        assert application.find_job(str(ids[0])).job_id == ids[0]


@promise()
def what_is_no_id_and_no_filter_is_refused(trial: Trial) -> None:
    application = trial.application()

    assert "not a job id" in refused(FilterError, lambda: application.find_job("seven"))
    assert "not a job id" in refused(FilterError, lambda: application.find_jobs(after="seven"))
    assert "did you mean" in refused(FilterError, lambda: application.find_jobs("stat:failed"))
