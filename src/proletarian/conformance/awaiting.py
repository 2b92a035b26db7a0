"""Waiting for the end of a job on the application's connection."""

from __future__ import annotations

import threading

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import WrongCall
from proletarian.outcomes import Outcome

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def an_end_that_comes_while_an_application_waits_is_seen(trial: Trial) -> None:
    job_id = trial.put_one()

    def work() -> None:
        worker = trial.worker()
        run = worker.claim_one()
        worker.acknowledge((run, Outcome("job.succeeded", "success", 1, 0, result='{"to":"ĳ"}')))

    application = trial.application()
    elsewhere = threading.Timer(0.1, work)
    elsewhere.start()
    try:
        assert application.wait_for(job_id) == {"to": "ĳ"}
    finally:
        elsewhere.join()


@promise()
def a_wait_in_an_open_transaction_sees_the_end_or_is_refused(trial: Trial) -> None:
    job_id = trial.put_one()
    application = trial.application()
    application.find_job(job_id)
    said = refused((TimeoutError, WrongCall), lambda: application.wait_for(job_id, timeout=0.1))
    if "commit first" in said:
        application.roll_back()
        return
    assert "it is waiting" in said, said
    worker = trial.worker()
    worker.succeed(worker.claim_one())

    assert application.wait_for(job_id) is None
