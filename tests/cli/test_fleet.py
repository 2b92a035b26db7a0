"""`proletarian queues`, `workers`, `tasks`, `schedules`, `stats`, and `status --check`."""

from __future__ import annotations

import json
import signal

import pytest

from proletarian import NewJob, set_schedule
from tests.cli.terminal import Terminal, asked
from tests.databases import PrivateDatabase
from tests.waiting import wait_until


def test_queues_and_workers_are_seen_and_checked(here: Terminal, database: PrivateDatabase) -> None:
    database.put(NewJob("sleep", {"seconds": 60}), NewJob("greet", {"name": "Ann"}, queue="mail"))
    worker = here.start("proletarian worker shop.jobs --queue default=3 --stop-timeout 0")
    worker.wait_for("asleep")

    [default, mail] = asked(here, "queues list")["queues"]
    [alive] = asked(here, "workers list queue:default type:greet")["workers"]
    stats = asked(here, "stats")
    wrong = asked(here, "status --check --late 1h --workers 2", code=1)
    fine = here.run("proletarian status --check queue:default --workers 1")
    worker.process.kill()
    worker.ends()
    dead = asked(here, "workers list")["workers"]

    assert (default["running"], default["workers"], default["slots"], default["due"]) == (1, 1, 3, 0)
    assert (mail["due"], mail["scheduled"], mail["workers"], mail["at_least"]) == (1, 0, 0, [])
    assert 0 <= mail["oldest_due_seconds"] < 60
    assert (alive["alive"], alive["running"], alive["queues"]) == (True, 1, {"default": 3})
    assert alive["pid"] == worker.process.pid
    assert "greet" in alive["job_types"]
    assert asked(here, "workers list queue:mail")["workers"] == []
    assert [one["queue"] for one in stats["queues"]] == ["default", "mail"]
    assert (len(stats["minutes"]), len(stats["workers"]), stats["failures"]) == (60, 1, [])
    assert wrong["ok"] is False
    assert wrong["problems"][0] == "1 worker is alive, and 2 should be"
    assert wrong["problems"][1].startswith("no live worker serves the queue 'mail'; 1 due job of it waits, the oldest")
    assert (fine.code, fine.out) == (0, "ok\n")
    assert [one["alive"] for one in dead] == [False]


def test_late_jobs_and_pauses_are_told_in_sentences(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("sleep", {"seconds": 60}), NewJob("greet", {"name": "Ann"}))
    worker = there.start("proletarian worker shop.jobs --queue default=1,mail=1 --stop-timeout 0")
    worker.wait_for("asleep")

    late = there.run("proletarian status --check --late 0")
    there.run("proletarian queues pause default --reason 'the disk is full' --by ann")
    paused = there.run("proletarian status --check --late 0")
    worker.send(signal.SIGTERM)

    assert (late.code, paused.code) == (1, 1)
    assert late.out.startswith("the queue 'default' is late: 1 due job of it waits, the oldest for ")
    assert late.out.endswith("; 1 live worker with 1 slot serves it, 1 running\n")
    assert paused.out.startswith("the queue 'default' has been paused since ")
    assert " by ann: the disk is full; 1 due job of it waits" in paused.out
    assert there.run("proletarian status --late 5m").code == 2


def test_a_queue_is_paused_for_all_and_resumed(here: Terminal, database: PrivateDatabase) -> None:
    worker = here.start("proletarian worker shop.jobs --queue mail")
    worker.wait_for("worker.started")
    would = here.run("proletarian queues pause mail --dry-run")
    assert asked(here, "queues pause mail möbel --reason smtp --by zoë") == {"paused": ["mail", "möbel"]}
    paused = asked(here, "queues list queue:m*")["queues"]
    database.put(NewJob("greet", {"name": "Ann"}, queue="mail"))
    resumed = here.run("proletarian queues resume mail nix")
    worker.wait_for("hello, Ann")
    worker.send(signal.SIGTERM)

    assert would.out == "would pause mail\n"
    assert [(one["queue"], one["paused"]["by"], one["paused"]["reason"]) for one in paused] == [
        ("mail", "zoë", "smtp"),
        ("möbel", "zoë", "smtp"),
    ]
    assert resumed.out == "resumed mail\nnix was not paused\n"


SCHEDULED = """
from datetime import timedelta
from proletarian import Tasks
tasks = Tasks(app="plan")
@tasks.task(queue="mail")
def report(month: str) -> None: ...
tasks.schedule("30 2 * * *", report.job(month="last"), name="monthly report", tz="Europe/Berlin")
tasks.schedule(timedelta(minutes=5), report.job(month="this"), name="sync")
"""


def test_schedules_are_seen_paused_and_run(here: Terminal, database: PrivateDatabase) -> None:
    (here.folder / "plan.py").write_text(SCHEDULED)
    here.environment["PROLETARIAN_APP"] = "plan"
    worker = here.start("proletarian worker --queue other")
    worker.wait_for("schedules.declared")
    worker.send(signal.SIGTERM)
    assert worker.ends() == 0
    with database.connection() as connection:
        set_schedule(connection, "@hourly", NewJob("tidy"), name="by hand")
        connection.commit()

    found = {one["name"]: one for one in asked(here, "schedules list")["schedules"]}
    other = asked(here, "schedules list --owner ''")["schedules"]
    ticks = asked(here, "schedules next 'monthly report' -n 2")["next"]
    shown = here.run("proletarian schedules next 'monthly report'").out
    would = here.run("proletarian schedules run sync --dry-run")
    before = database.count("job")
    job_id = here.run("proletarian schedules run 'monthly report'").out.strip()
    paused = asked(here, "schedules pause sync"), asked(here, "schedules next sync")
    resumed = here.run("proletarian schedules resume sync")
    wrong = here.run("proletarian schedules run 'montly report'")

    assert sorted(found) == ["monthly report", "sync"]
    monthly = found["monthly report"]
    assert (monthly["cron"], monthly["tz"], monthly["declared"]) == ("30 2 * * *", "Europe/Berlin", True)
    assert (found["sync"]["every_seconds"], monthly["payload"]) == (300.0, {"month": "last"})
    assert [one["name"] for one in other] == ["by hand"]
    assert ticks[0] == monthly["next_at"]
    assert " 02:30:00 CE" in shown
    assert (would.out, database.count("job") - before) == ("would run sync\n", 1)
    assert [job["job_id"] for job in asked(here, "jobs list queue:mail")["jobs"]] == [job_id]
    assert paused == ({"paused": "sync"}, {"name": "sync", "paused": True, "next": []})
    assert (resumed.code, resumed.out) == (0, "resumed sync\n")
    assert (wrong.code, wrong.out) == (1, "")
    assert wrong.err.startswith("Error: no schedule of the application 'plan' is named 'montly report'; did you mean")


def test_limits_are_set_seen_and_reset(here: Terminal, database: PrivateDatabase) -> None:
    nothing = here.run("proletarian limits list")
    would = here.run("proletarian limits set smtp 2 --dry-run")
    kept = asked(here, "limits list")
    done = asked(here, "limits set smtp 2 --rate 100 --seconds 1m --burst 10 --by zoë")
    [limit] = asked(here, "limits list")["limits"]
    shown = here.run("proletarian limits list")
    reset = asked(here, "limits reset smtp"), asked(here, "limits reset smtp")

    assert (nothing.code, nothing.out) == (0, "")
    assert (would.out, kept, done) == ("would set smtp\n", {"limits": []}, {"set": "smtp"})
    assert limit.pop("set_at").endswith("+00:00")
    assert limit == {
        "name": "smtp", "running": 2, "rate": 100, "seconds": 60.0, "burst": 10, "ordered": False, "held": 0,
        "by": "zoë",
    }  # fmt: skip
    assert "100 in 60 s, 10 at once" in shown.out
    assert reset == ({"reset": "smtp", "was_set": True}, {"reset": "smtp", "was_set": False})


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("limits set smtp", "say how many jobs may run at a time, or a --rate, or both"),
        ("limits set smtp 2 --burst 3", "--burst says how many of a --rate may start at once"),
        ("limits set smtp 2 --seconds 60", "--seconds is the time that a --rate is for"),
        ("queues list mail", "'mail' is no word of a filter; did you mean queue:mail?\n    mail\n    ^^^^"),
        ("workers list queue:mail web1", "did you mean worker:web1?\n    queue:mail web1\n               ^^^^"),
    ],
)
def test_what_is_missing_or_misunderstood_is_said(command: str, says: str, there: Terminal) -> None:
    said = there.run(f"proletarian {command}")

    assert (said.code, said.out) == (2, "")
    assert says in said.err


def test_a_queue_that_nobody_knows_may_be_misspelt(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("greet", queue="mail"))
    known, slip = there.run("proletarian queues pause mail"), there.run("proletarian queues pause mial")

    assert (known.out, known.err) == ("paused mail\n", "")
    assert (slip.code, slip.out) == (0, "paused mial\n")
    assert slip.err == "no job waits in mial, and no live worker serves it; did you mean mail?\n"


def test_tasks_are_listed_without_a_database(shell: Terminal) -> None:
    tasks = asked(shell, "tasks list queue:mail --app shop.jobs")
    said = shell.run("proletarian tasks list --app shop.jobs")

    [welcome] = tasks["tasks"]
    assert (welcome["job_type"], welcome["queue"], welcome["priority"]) == ("welcome", "mail", 3)
    assert welcome["where"] == "shop.jobs.welcome"
    assert [line.split()[0] for line in said.out.splitlines()] == ["type", "greet", "fail", "sleep", "welcome"]
    assert "name your application" in shell.run("proletarian tasks list").err


def test_stats_tell_what_was_done_and_what_fails(there: Terminal, sqlite: PrivateDatabase) -> None:
    sqlite.put(*[NewJob("fail")] * 3, NewJob("greet", {"name": "Ann"}), NewJob("greet", {"name": "Bob"}, queue="later"))
    there.run("proletarian worker shop.jobs --drain --queue default")

    said = there.run("proletarian stats").out
    watching = there.start("proletarian stats --watch 0.1 --json")
    wait_until(lambda: watching.text.count("\n") >= 2, what="two looks")
    watching.send(signal.SIGINT)

    assert "last 60 minutes: 1 succeeded, 3 failed, 0 cancelled" in said
    assert "0 live workers with 0 slots; 0 jobs running" in said
    assert "   3  fail  ValueError" in said
    first, second, *_ = map(json.loads, watching.text.splitlines()[:2])
    assert [group["count"] for group in first["failures"]] == [3]
    assert [one["queue"] for one in second["queues"]] == ["default", "later"]
    assert watching.ends() == 1


@pytest.mark.parametrize("command", ["queues list", "workers list", "stats", "status", "schedules list", "prune"])
def test_a_filter_of_something_else_than_jobs_knows_fewer_keys(command: str, there: Terminal) -> None:
    options = " --failed 7d" if command == "prune" else ""
    said = there.run(f"proletarian {command} lane:x{options}")

    assert said.code == 2
    assert "and not lane\n    lane:x\n    ^^^^^^" in said.err
