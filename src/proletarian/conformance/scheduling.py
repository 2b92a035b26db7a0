"""Schedules are created and controlled in the application's own transaction, through every library."""

from __future__ import annotations

from datetime import timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.trial import Trial, refused
from proletarian.errors import UnknownSchedule
from proletarian.job import NewJob

CHECKS = Checks()
promise = CHECKS.promise

HOUR = timedelta(hours=1)
JOB = NewJob("greet", {"name": "Zoë 🎉", "password": "x"}, queue="möbel", priority=-3, headers={"a": "\\ü"})


@promise()
def a_schedule_is_there_when_its_transaction_has_committed(trial: Trial) -> None:
    application = trial.application()
    application.act("set_schedule", HOUR, JOB, name="rolled back")
    application.roll_back()
    application.act("set_schedule", HOUR, JOB, name="committed")
    application.commit()

    assert [found.name for found in application.act("find_schedules")] == ["committed"]
    assert trial.count("schedule") == 1


@promise()
def a_schedule_comes_back_as_it_went_in(trial: Trial) -> None:
    application = trial.application()
    now = trial.time()
    application.act("set_schedule", "*/5 4 * * *", JOB, name="grüße 'n %s :x", tz="Asia/Kathmandu", missed="all")
    [found] = application.act("find_schedules")

    assert (found.name, found.cron, found.every, found.tz) == ("grüße 'n %s :x", "*/5 4 * * *", None, "Asia/Kathmandu")
    assert (found.missed, found.job_type, found.queue, found.declared) == ("all", "greet", "möbel", False)
    assert found.payload == {"name": "Zoë 🎉", "password": "********"}
    assert found.options == {"headers": {"a": "\\ü"}, "priority": -3}
    assert found.last_at is found.paused_at is None
    assert now - HOUR < found.next_at <= now + timedelta(days=1)
    assert [found.next_at, *found.next(2, after=found.next_at)] == found.next(3)


@promise()
def a_change_keeps_the_next_tick_unless_it_is_of_the_times(trial: Trial) -> None:
    application, now = trial.application(), trial.time()
    application.act("set_schedule", HOUR, JOB, name="it")
    early = trial.dialect.stored_time(now - HOUR)
    application.commit()
    trial.say(f"UPDATE {trial.table('schedule')} SET next_at = :early", early=early)
    application.act("set_schedule", HOUR, NewJob("other"), name="it", missed="skip")
    [kept] = application.act("find_schedules")
    application.act("set_schedule", 2 * HOUR, NewJob("other"), name="it")
    [changed] = application.act("find_schedules")

    assert (kept.job_type, kept.missed) == ("other", "skip")
    assert kept.next_at < now - HOUR / 2
    assert changed.next_at > now - timedelta(seconds=5)
    assert changed.every == 2 * HOUR


@promise()
def a_paused_schedule_goes_on_with_the_next_tick(trial: Trial) -> None:
    application, now = trial.application(), trial.time()
    application.act("set_schedule", HOUR, JOB, name="it")
    application.act("pause_schedule", "it")
    [paused] = application.act("find_schedules")
    application.act("set_schedule", HOUR, JOB, name="it")
    [still] = application.act("find_schedules")
    application.commit()
    early = trial.dialect.stored_time(now - 5 * HOUR)
    trial.say(f"UPDATE {trial.table('schedule')} SET next_at = :early", early=early)
    application.act("resume_schedule", "it")
    [resumed] = application.act("find_schedules")

    assert paused.paused_at is not None
    assert abs(paused.paused_at - now) < timedelta(seconds=60)
    assert (paused.next(3), still.paused_at) == ([], paused.paused_at)
    assert resumed.paused_at is None
    assert now - timedelta(seconds=5) < resumed.next_at <= now + HOUR + timedelta(seconds=60)


@promise()
def a_schedule_is_run_now_within_the_transaction(trial: Trial) -> None:
    application = trial.application()
    application.act("set_schedule", HOUR, JOB, name="it")
    application.commit()
    application.act("run_schedule", "it")
    application.roll_back()
    job_id = application.act("run_schedule", "it")
    application.commit()
    record = application.find_job(job_id, masked=False)

    assert trial.counts() == (1, 0, 0)
    assert (record.job_type, record.queue, record.priority) == ("greet", "möbel", -3)
    assert record.payload == JOB.payload
    assert (record.headers["a"], record.headers["schedule"]) == ("\\ü", "it")


@promise()
def a_schedule_is_deleted_within_the_transaction(trial: Trial) -> None:
    application = trial.application()
    application.act("set_schedule", HOUR, JOB, name="it")
    application.commit()
    application.act("delete_schedule", "it")
    application.roll_back()
    assert trial.count("schedule") == 1
    application.act("delete_schedule", "it")
    application.commit()

    assert trial.count("schedule") == 0


@promise()
def applications_do_not_see_each_others_schedules(trial: Trial) -> None:
    application = trial.application()
    for app, name in (("shop", "it"), ("billing", "it"), ("billing", "other")):
        application.act("set_schedule", HOUR, JOB, name=name, app=app)
    application.act("delete_schedule", "it", app="shop")

    assert application.act("find_schedules", app="shop") == application.act("find_schedules") == []
    assert [found.name for found in application.act("find_schedules", app="billing")] == ["it", "other"]
    assert [found.name for found in application.act("find_schedules", app="billing", after="it")] == ["other"]
    assert [found.name for found in application.act("find_schedules", app="billing", limit=1)] == ["it"]


@promise()
def a_name_that_is_not_there_is_refused(trial: Trial) -> None:
    application = trial.application()
    for verb in ("pause_schedule", "resume_schedule", "run_schedule", "delete_schedule"):
        told = refused(UnknownSchedule, lambda verb=verb: application.act(verb, "missing"))  # type: ignore[misc]
        assert "'missing'" in told
