"""Job ids: made by a strategy or by the database, the same on both sides."""

from __future__ import annotations

from typing import Any
from uuid import UUID, uuid4

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial
from proletarian.ids import UUID4, UUID7, DatabaseGenerated, JobIds
from proletarian.job import NewJob

CHECKS = Checks()
promise = CHECKS.promise


class Invoices:
    """A strategy of a user's own: ids are text, with a prefix that is not stored."""

    def generate(self) -> str:
        """A new id."""
        return f"invoice-{uuid4().hex[:12]}"

    def encode(self, job_id: Any) -> str:
        """Without the prefix."""
        return str(job_id).removeprefix("invoice-")

    def decode(self, stored: Any) -> str:
        """With it."""
        return f"invoice-{stored}"


def whole_life(trial: Trial, job_ids: JobIds) -> list[Any]:
    """Jobs go from the enqueue to the archive under one id each, whichever way they were enqueued; returns the ids."""
    chosen = trial.with_queue(job_ids=job_ids)
    application = chosen.application()
    ids = [application.enqueue(), *application.enqueue_many([NewJob("greet")] * 3), application.enqueue()]
    application.commit()
    assert len(set(ids)) == 5
    worker = chosen.worker()
    runs = worker.claim(10)
    assert {job_ids.decode(chosen.dialect.loaded_id(run.job_id)) for run in runs} == set(ids)
    completed, *rest = runs
    application.complete(worker, completed)
    application.commit()
    assert worker.succeed(*rest) == {run.run_id for run in rest}
    assert [chosen.find(job_id) for job_id in ids] == [("archived_job",)] * 5
    return ids


@promise()
def ids_may_be_ordered_uuids(trial: Trial) -> None:
    ids = whole_life(trial, UUID7())

    assert all(isinstance(job_id, UUID) and job_id.version == 7 for job_id in ids)
    assert ids == sorted(ids)


@promise()
def ids_may_be_random_uuids(trial: Trial) -> None:
    assert all(isinstance(job_id, UUID) and job_id.version == 4 for job_id in whole_life(trial, UUID4()))


@promise()
def ids_may_be_made_by_the_database(trial: Trial) -> None:
    ids = whole_life(trial, DatabaseGenerated())

    assert all(isinstance(job_id, int) for job_id in ids)
    assert ids == sorted(ids)


@promise()
def a_number_that_has_left_never_comes_back(trial: Trial) -> None:
    first = whole_life(trial, DatabaseGenerated())
    chosen = trial.with_queue(job_ids=DatabaseGenerated())  # its tables are empty again

    assert chosen.put_one() > max(first)


@promise()
def ids_may_be_texts_of_the_users_own(trial: Trial) -> None:
    assert all(job_id.startswith("invoice-") for job_id in whole_life(trial, Invoices()))


@promise()
def a_given_id_is_kept(trial: Trial) -> None:
    application = trial.application()
    given = [uuid4(), uuid4(), uuid4()]
    taken = [application.enqueue(job_id=given[0]), application.enqueue(job_id=str(given[1]))]
    taken += application.enqueue_many([NewJob("greet", job_id=given[2])])
    application.commit()

    assert taken == given
    assert [trial.find(job_id) for job_id in given] == [("job",)] * 3
