"""What a job's row holds after the enqueue."""

from __future__ import annotations

import json

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import SchemaOutOfDate
from proletarian.job import NewJob
from proletarian.queue import Queue
from proletarian.sql.tables import Tables

CHECKS = Checks()
promise = CHECKS.promise


@promise()
def a_job_is_enqueued_into_its_lane(trial: Trial) -> None:
    application = trial.application()
    one = application.enqueue(lane="smtp:ĳ")
    unique = application.enqueue(lane="smtp:a", unique="a")
    few = application.enqueue_many([NewJob("greet", lane=f"send:{n}") if n else NewJob("greet") for n in range(3)])
    many = application.enqueue_many([NewJob("greet", lane=f"send:{n % 2}") for n in range(150)])
    plain = application.enqueue_many([NewJob("greet") for _ in range(150)])
    application.commit()

    assert [trial.find(job_id, "lane")[1] for job_id in (one, unique, *few)] == [
        "smtp:ĳ", "smtp:a", "", "send:1", "send:2",
    ]  # fmt: skip
    assert [trial.find(job_id, "lane")[1] for job_id in many[:3]] == ["send:0", "send:1", "send:0"]
    assert trial.find(plain[-1], "lane")[1] == ""


ODD = """' " \\ % %s %(x)s :name :: $1 ? {} -- /* ; ` \t\n é 漢 😀 \u200b"""
COLUMNS = ("queue", "job_type", "payload", "priority", "headers", "attempts", "lost", "errors")


@promise()
def the_row_holds_what_was_given(trial: Trial) -> None:
    application = trial.application()
    options = {"queue": "mail", "priority": 7, "headers": {"trace": "a1"}}
    one = application.enqueue("greet", {"name": "Ada"}, **options)
    [many] = application.enqueue_many([NewJob("greet", {"name": "Ada"}, queue="mail", priority=7,
                                              headers={"trace": "a1"})])  # fmt: skip
    application.commit()

    for job_id in (one, many):
        table, queue, job_type, payload, priority, headers, attempts, lost, errors = trial.find(job_id, *COLUMNS)
        assert (table, queue, job_type, priority) == ("job", "mail", "greet", 7)
        assert (payload, json.loads(headers)) == ('{"name":"Ada"}', {"trace": "a1"})
        assert (attempts, lost, errors) == (0, 0, None)


@promise()
def what_is_not_given_has_a_default(trial: Trial) -> None:
    application = trial.application()
    one = application.enqueue("greet")
    [many] = application.enqueue_many([NewJob("greet")])
    application.commit()

    for job_id in (one, many):
        assert trial.find(job_id, *COLUMNS) == ("job", "default", "greet", "null", 0, None, 0, 0, None)


@promise()
def any_text_comes_back_as_it_went_in(trial: Trial) -> None:
    application = trial.application()
    one = application.enqueue(ODD, {"text": ODD}, queue=ODD, headers={ODD: ODD})
    [many] = application.enqueue_many([NewJob(ODD, {"text": ODD}, queue=ODD, headers={ODD: ODD})])
    application.commit()

    for job_id in (one, many):
        _, queue, job_type, payload, headers = trial.find(job_id, "queue", "job_type", "payload", "headers")
        assert (queue, job_type) == (ODD, ODD)
        assert trial.queue.serializer.decode(payload) == {"text": ODD}
        assert json.loads(headers) == {ODD: ODD}


@promise()
def a_payload_of_a_megabyte_comes_back_whole(trial: Trial) -> None:
    application = trial.application()
    text = "0123456789abcdef" * 65536
    one = application.enqueue("greet", {"text": text})
    [many] = application.enqueue_many([NewJob("greet", {"text": text})])
    application.commit()

    for job_id in (one, many):
        _, payload = trial.find(job_id, "payload")
        assert trial.queue.serializer.decode(payload) == {"text": text}


@promise()
def names_compare_letter_by_letter(trial: Trial) -> None:
    application = trial.application()
    application.enqueue("upper", queue="Mail")
    application.enqueue("lower", queue="mail")
    application.commit()

    worker = trial.worker()
    assert [run.job_type for run in worker.claim(wants={"mail": 10})] == ["lower"]


@promise()
def the_extremes_of_a_priority_are_kept(trial: Trial) -> None:
    application = trial.application()
    job_ids = [application.enqueue(priority=priority) for priority in (-32768, 32767)]
    job_ids += application.enqueue_many([NewJob("greet", priority=priority) for priority in (-32768, 32767)])
    application.commit()

    assert [trial.find(job_id, "priority")[1] for job_id in job_ids] == [-32768, 32767] * 2


@promise()
def the_names_of_the_tables_can_be_chosen(trial: Trial) -> None:
    chosen = trial.with_queue(tables=Tables(prefix="chosen_", job="our_jobs", archived_job="our_archive"))
    application = chosen.application()
    application.enqueue()
    application.enqueue_many([NewJob("greet")])
    application.commit()
    seen = chosen.say("SELECT count(*) FROM our_jobs")
    worker = chosen.worker()
    worker.succeed(*worker.claim(2))

    assert seen[0][0] == 2
    assert chosen.say("SELECT count(*) FROM our_archive")[0][0] == 2
    assert trial.count("job") == trial.count("archived_job") == 0


@promise()
def missing_tables_are_named_with_what_to_do(trial: Trial) -> None:
    application = trial.application()
    application.queue = Queue(tables=Tables(prefix="absent_"))
    for call in (application.enqueue, lambda: application.enqueue_many([NewJob("greet")])):
        said = refused(SchemaOutOfDate, call)
        application.roll_back()

        assert "proletarian migrate" in said or "manage.py migrate" in said, "it should say what to do"
