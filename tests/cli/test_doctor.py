"""`proletarian doctor`, on every database: what is wrong is found, and said with what to do."""

from __future__ import annotations

import json

import psycopg

from proletarian import NewJob, Tasks, Worker, pause
from proletarian.connections.database import Database
from proletarian.doctor import Finding, examine
from proletarian.migration import role_script
from proletarian.sql import examining
from tests.cli.terminal import Terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.worker.recorder import Recorder


def seen(url: str) -> dict[str, list[Finding]]:
    """What the doctor says, by check."""
    found: dict[str, list[Finding]] = {}
    for each in examine(Database(url)):
        found.setdefault(each.check, []).append(each)
    return found


def test_tables_that_are_missing_are_all_that_is_said(shell: Terminal, new_database: DatabaseOf) -> None:
    said = shell.run(f"proletarian doctor --json --database {new_database('postgresql').url}")

    assert said.code == 1
    [only] = json.loads(said.out)["findings"]
    assert (only["check"], only["level"]) == ("schema", "trouble")
    assert "proletarian migrate" in only["says"]


def test_a_fleet_in_good_health(database: PrivateDatabase, recorder: Recorder) -> None:
    with Worker(database.url, lambda job: None, log=recorder):
        recorder.wait_for("worker.liveness")
        found = seen(database.url)

    [workers] = found["workers"]
    assert workers.says == "1 worker is alive"
    found.pop("durability", None)  # the private server of a test does not sync
    assert not [each for group in found.values() for each in group if each.level == "trouble"]
    assert found.keys() >= {"schema", "version", "old_transactions", "sizes", "workers", "queues"}


def test_what_waits_for_nobody(database: PrivateDatabase, recorder: Recorder) -> None:
    tasks = Tasks()
    tasks.task(name="greet")(lambda: None)
    with database.connection() as connection:
        pause(connection, "default", reason="the mill is closed", by="ann")  # so that no worker takes what is below
        connection.commit()
    with Worker(database.url, tasks, queues={"default": 1}, log=recorder):
        recorder.wait_for("worker.liveness")
        database.put(NewJob("greet", queue="mail"), NewJob("sned"))
        found = seen(database.url)

    [mail] = [each for each in found["queues"] if "'mail'" in each.says]
    assert (mail.level, mail.says) == ("trouble", "1 due job waits in the queue 'mail', which no live worker serves")
    [paused] = [each for each in found["queues"] if "'default'" in each.says]
    assert paused.level == "notice"
    assert "by ann: the mill is closed" in paused.says
    [unknown] = found["job_types"]
    assert unknown.level == "trouble"
    assert "'sned'" in unknown.says


def test_a_schedule_whose_code_is_gone(database: PrivateDatabase) -> None:
    database.rows(
        f"INSERT INTO {database.table('schedule')} "
        "(app, name, tz, missed, job_type, queue, payload, options, digest, next_at) "
        "VALUES ('shop', 'nightly', 'UTC', 'once', 'report', 'default', '{}', '{}', 'd', '2027-01-01 00:00:00')"
    )

    [gone] = seen(database.url)["schedules"]

    assert "'nightly' of the application 'shop' is not declared by any live release" in gone.says


def test_a_transaction_that_is_open_is_seen(postgresql: PrivateDatabase) -> None:
    database = Database(postgresql.url)
    with psycopg.connect(postgresql.url, application_name="backup") as connection:
        connection.execute("SELECT 1")
        oldest = database.run(examining.oldest(database.dialect))

    assert oldest is not None
    assert "of backup (idle in transaction)" in oldest[1]


def test_a_role_that_may_not_do_everything(postgresql: PrivateDatabase) -> None:
    name = "doctor_enqueues"
    script = role_script(Database(postgresql.url).dialect, "enqueue", name)
    with psycopg.connect(postgresql.url, autocommit=True) as connection:
        connection.execute(script.encode())
        connection.execute(f"ALTER ROLE {name} LOGIN PASSWORD 'test'".encode())

    found = seen(postgresql.url.replace("test:test@", f"{name}:test@"))

    assert "UPDATE on proletarian.running_job" in found["rights"][0].says
    assert "proletarian roles" in found["rights"][0].do
    [workers] = found["workers"]
    assert "could not be checked" in workers.says, "one look that is refused does not end the others"


def test_words_for_people_begin_with_what_is_wrong(shell: Terminal, sqlite: PrivateDatabase) -> None:
    said = shell.run(f"proletarian doctor --database {sqlite.url}")

    assert said.code == 1
    lines = said.out.splitlines()
    assert lines[0] == "✗ workers: no worker is alive: nothing runs"
    assert lines[-1].startswith("✓")
