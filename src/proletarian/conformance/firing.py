"""A tick becomes one job, no matter who looks and who dies; of several live releases the newest decides."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime, timedelta

from proletarian.conformance.check import Checks
from proletarian.conformance.member import Member
from proletarian.conformance.trial import Trial
from proletarian.control.firing import Round, declare, fire
from proletarian.control.timetable import put
from proletarian.job import NewJob
from proletarian.schedule import Missed, Schedule, schedule
from proletarian.sql import scheduling
from proletarian.sql.transactions import begin, commit

CHECKS = Checks()
promise = CHECKS.promise

HOUR = timedelta(hours=1)


def hourly(name: str, missed: Missed = "once", **options: str) -> Schedule:
    """A schedule that ticks every hour on the hour."""
    return schedule("@hourly", NewJob("greet", **options), name=name, missed=missed)  # type: ignore[arg-type]


def declared(
    trial: Trial, worker: Member, *schedules: Schedule, app: str = "", again: bool = True
) -> tuple[list[str], list[str]]:
    """What changes when a worker of a release stores its declarations; `again`: although another has just done so."""
    if again:
        later(trial, timedelta(seconds=35), app)
    return worker.connection.run(declare(trial.queue, trial.database.kind, app, schedules))


def later(trial: Trial, by: timedelta, app: str = "") -> None:
    """Make time pass for the releases."""
    table = trial.table("schedule_release")
    rows = trial.say(f"SELECT digest, born_at, seen_at FROM {table} WHERE app = :app", app=app)
    for digest, *times in rows:
        born_at, seen_at = (trial.dialect.stored_time(trial.dialect.loaded_time(time) - by) for time in times)
        trial.say(
            f"UPDATE {table} SET born_at = :born_at, seen_at = :seen_at WHERE app = :app AND digest = :digest",
            born_at=born_at, seen_at=seen_at, app=app, digest=digest,
        )  # fmt: skip


def tick_was(trial: Trial, ago: timedelta, *names: str) -> datetime:
    """Move the next tick of these schedules into the past; returns its time."""
    moment = trial.time().replace(minute=0, second=0, microsecond=0) - ago
    for name in names:
        trial.say(
            f"UPDATE {trial.table('schedule')} SET next_at = :moment WHERE name = :name",
            moment=trial.dialect.stored_time(moment), name=name,
        )  # fmt: skip
    return moment


def fired(trial: Trial, worker: Member, *, app: str = "", declares: bool = True, refused: Iterable[str] = ()) -> Round:
    """One look of a worker."""
    look = fire(trial.queue, trial.database.kind, app, declares=declares, refused=set(refused))
    return worker.connection.run(look)


def ticks(trial: Trial) -> list[str]:
    """The ticks of all waiting jobs."""
    rows = trial.say(f"SELECT headers FROM {trial.table('job')} ORDER BY process_at")
    return [json.loads(text)["schedule_tick"] for (text,) in rows]


@promise()
def a_tick_is_one_job_of_that_time(trial: Trial) -> None:
    ann, bob = trial.worker(), trial.worker()
    declared(trial, ann, hourly("it", queue="mail"))
    tick = tick_was(trial, timedelta(0), "it")
    rounds = [fired(trial, worker) for worker in (ann, bob, ann)]

    assert [len(found.firings) for found in rounds] == [1, 0, 0]
    [(queue, process_at, headers)] = trial.say(f"SELECT queue, process_at, headers FROM {trial.table('job')}")
    assert (queue, trial.dialect.loaded_time(process_at)) == ("mail", tick)
    assert json.loads(headers) == {"schedule": "it", "schedule_tick": tick.isoformat()}
    assert rounds[1].next_at == tick + HOUR


@promise()
def missed_ticks_are_made_up_for_as_the_schedule_says(trial: Trial) -> None:
    ann = trial.worker()
    declared(trial, ann, hourly("once"), hourly("all", "all"), hourly("skip", "skip"))
    tick = tick_was(trial, 5 * HOUR, "once", "all", "skip")
    found = {firing.row.name: firing.due for firing in fired(trial, ann).firings}

    assert len(found["skip"].ticks) + found["skip"].dropped == 6
    assert (len(found["once"].ticks), found["once"].dropped) == (1, 5)
    assert [str(moment) for moment in found["all"].ticks] == [str(tick + HOUR * hour) for hour in range(6)]
    assert trial.count("job") == sum(len(due.ticks) for due in found.values())
    assert {due.next_at for due in found.values()} == {tick + 6 * HOUR}


@promise("skips_locked")
def what_another_fires_or_an_application_holds_is_passed_over(trial: Trial) -> None:
    ann, bob = trial.worker(), trial.worker()
    declared(trial, ann, hourly("it"))
    tick_was(trial, timedelta(0), "it")
    which = scheduling.ours(trial.dialect, "", declares=True, refused=())
    ann.connection.run(begin(trial.dialect))
    assert len(ann.connection.run(scheduling.due(trial.dialect, which, 10, None))) == 1
    found = fired(trial, bob)
    ann.connection.run(commit(trial.dialect))

    assert (found.firings, found.beaten) == ([], True)
    assert len(fired(trial, bob).firings) == 1


@promise()
def nothing_is_fired_that_is_paused_or_of_another_application_or_no_longer_declared(trial: Trial) -> None:
    ann = trial.worker()
    declared(trial, ann, hourly("paused"), hourly("it"))
    ann.connection.run(scheduling.pause(trial.dialect, "", "paused", None))
    tick_was(trial, timedelta(0), "paused", "it")

    assert fired(trial, ann, app="other").next_at is None
    assert fired(trial, ann, declares=False).next_at is None
    assert [firing.row.name for firing in fired(trial, ann).firings] == ["it"]


@promise()
def a_schedule_that_cannot_be_told_stops_no_other(trial: Trial) -> None:
    ann = trial.worker()
    declared(trial, ann, hourly("bad"), hourly("it"))
    trial.say(f"UPDATE {trial.table('schedule')} SET tz = 'Mars/Olympus' WHERE name = 'bad'")
    tick_was(trial, timedelta(0), "bad", "it")
    found = fired(trial, ann)

    assert [firing.row.name for firing in found.firings] == ["it"]
    assert "Mars/Olympus" in str(found.refused["bad"])
    assert fired(trial, ann, refused=found.refused).next_at != found.next_at


@promise()
def what_is_declared_is_there_and_goes_with_the_code(trial: Trial) -> None:
    ann = trial.worker()
    assert declared(trial, ann, hourly("a"), hourly("b")) == (["a", "b"], [])
    assert declared(trial, ann, hourly("a"), hourly("b")) == ([], [])
    assert declared(trial, ann, hourly("b"), hourly("c"), hourly("d", queue="x")) == (["c", "d"], ["a"])
    assert declared(trial, ann, hourly("b"), hourly("d", queue="y")) == (["d"], ["c"])


@promise()
def a_deploy_keeps_pauses_the_next_tick_and_what_was_made_at_run_time(trial: Trial) -> None:
    ann = trial.worker()
    declared(trial, ann, hourly("a"), hourly("b"))
    ann.connection.run(scheduling.pause(trial.dialect, "", "a", None))
    own = schedule(HOUR, NewJob("greet"), name="own")
    ann.connection.run(put(trial.queue, trial.database.kind, "", own))
    tick = tick_was(trial, 2 * HOUR, "a")
    assert declared(trial, ann, hourly("a", queue="other")) == (["a"], ["b"])
    rows = ann.connection.run(scheduling.page(trial.dialect, "", "", 10))

    assert [(row.name, row.paused_at is not None, row.queue) for row in rows] == [
        ("a", True, "other"),
        ("own", False, "default"),
    ]
    assert rows[0].next_at == tick


@promise()
def of_two_releases_the_youngest_rules_whoever_starts_last(trial: Trial) -> None:
    old, new = trial.worker(), trial.worker()
    declared(trial, old, hourly("a"), hourly("dropped"))
    assert declared(trial, new, hourly("a", queue="new"), hourly("added")) == (["a", "added"], ["dropped"])
    for _ in range(4):  # an old worker is restarted, again and again
        assert declared(trial, old, hourly("a"), hourly("dropped")) == ([], [])
        assert declared(trial, new, hourly("a", queue="new"), hourly("added")) == ([], [])


@promise()
def a_roll_back_rules_when_the_new_release_has_no_worker_any_more(trial: Trial) -> None:
    old, new = trial.worker(), trial.worker()
    declared(trial, old, hourly("a"))
    declared(trial, new, hourly("b"))
    assert declared(trial, old, hourly("a")) == ([], [])
    later(trial, timedelta(minutes=4))

    assert declared(trial, old, hourly("a")) == (["a"], ["b"])


@promise()
def a_release_of_another_application_is_another_matter(trial: Trial) -> None:
    shop, billing = trial.worker(), trial.worker()
    declared(trial, shop, hourly("a"), app="shop")
    assert declared(trial, billing, hourly("b"), app="billing") == (["b"], [])
    assert declared(trial, shop, hourly("a"), app="shop") == ([], [])
    assert declared(trial, shop, app="shop") == ([], ["a"])

    assert trial.count("schedule") == 1


@promise()
def a_clock_that_was_ahead_lets_no_dead_release_rule(trial: Trial) -> None:
    old, new = trial.worker(), trial.worker()
    declared(trial, old, hourly("a"))
    later(trial, timedelta(days=-1000))  # it was declared when the clock was far ahead

    assert declared(trial, new, hourly("b"), again=False) == (["b"], ["a"])


@promise()
def one_worker_of_a_release_speaks_for_all(trial: Trial) -> None:
    ann, bob = trial.worker(), trial.worker()
    declared(trial, ann, hourly("a"))
    trial.say(f"DELETE FROM {trial.table('schedule')}")

    assert declared(trial, bob, hourly("a"), again=False) == ([], [])
    assert declared(trial, bob, hourly("a")) == (["a"], [])
