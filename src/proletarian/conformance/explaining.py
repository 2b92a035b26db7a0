"""Why a job waits, in words for people."""

from __future__ import annotations

import time

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.job import NewJob
from proletarian.sql.pausing import pause, resume

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def a_job_that_waits_says_why(trial: Trial) -> None:
    worker = trial.worker()
    told = f"UPDATE {trial.table('worker')} SET queues = 'mail=2', job_types = :types WHERE worker_id = :worker_id"
    trial.say(told, types='["greet"]', worker_id=worker.worker_id)
    [first, second, urgent, strange, alone, later] = trial.put(
        NewJob("greet", queue="mail"),
        NewJob("greet", queue="mail"),
        NewJob("greet", queue="mail", priority=1),
        NewJob("strange", queue="mail"),
        NewJob("greet", queue="alone"),
        NewJob("greet", queue="mail", process_in=3600),
    )
    application = trial.application()
    codes = {job_id: application.find_job(job_id).why.code for job_id in (urgent, strange, alone, later)}

    assert list(codes.values()) == ["next", "unknown_job_type", "no_worker", "not_due"]
    said = str(application.find_job(second).why)
    assert said.endswith("ahead of it in the queue 'mail'"), said
    assert "mail=2" in application.find_job(alone).why.sentence
    assert [job.why.code for job in application.find_jobs("queue:alone,mail", why=True) if job.why] == [
        "not_due", "no_worker", "unknown_job_type", "behind", "behind", "behind"
    ]  # fmt: skip
    assert application.find_jobs()[0].why is None
    application.roll_back()  # where a transaction sees a snapshot, a new one begins
    worker.claim(wants={"mail": 1})
    assert application.find_job(urgent).why is None
    assert application.find_job(first).why.code in ("next", "behind")


@promise()
def a_job_of_a_paused_queue_says_who_paused_it_and_why(trial: Trial) -> None:
    job_id = trial.put_one(queue="mail")
    trial.connection.run(pause(trial.dialect, "mail", "smtp is down – żółć", "ann"))
    application = trial.application()
    for why in (application.find_job(job_id).why, application.find_jobs(why=True)[0].why):
        assert why.code == "paused"
        assert why.sentence.endswith("by ann: smtp is down – żółć")
    application.roll_back()
    trial.connection.run(resume(trial.dialect, "mail"))
    assert application.find_job(job_id).why.code != "paused"


@promise()
def a_worker_that_is_late_serves_nothing(trial: Trial) -> None:
    worker = trial.worker(lost_after=0.001)
    trial.say(f"UPDATE {trial.table('worker')} SET queues = 'default=2'")
    job_id = trial.put_one()
    assert worker.worker_id is not None
    time.sleep(0.05)

    assert trial.application().find_job(job_id).why.code == "no_worker"
