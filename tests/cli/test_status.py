"""`proletarian status` and `proletarian enqueue`, on every database."""

from __future__ import annotations

import json
import signal
from typing import Any

import pytest

from proletarian import pause
from tests.cli.terminal import Terminal
from tests.databases import PrivateDatabase


@pytest.fixture
def shell(inner_shell: Terminal) -> Terminal:
    """A terminal that starts no process for what does not depend on one."""
    return inner_shell


@pytest.fixture
def here(shell: Terminal, database: PrivateDatabase) -> Terminal:
    """A terminal that knows the database."""
    shell.environment["PROLETARIAN_DATABASE"] = database.url
    return shell


def status(shell: Terminal) -> dict[str, Any]:
    """What `proletarian status --json` says."""
    said = shell.run("proletarian status --json")
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.mark.parametrize("command", ["status", "enqueue greet", "worker shop.jobs --drain"])
def test_a_slip_in_the_path_of_a_file_makes_no_file(shell: Terminal, command: str) -> None:
    said = shell.run(f"proletarian {command} --database sqlite:///jbos.db")

    assert said.code != 0
    assert "there is no file" in said.err
    assert "jbos.db" in said.err
    assert "proletarian migrate" in said.err
    assert not list(shell.folder.glob("jbos*"))
    assert shell.run("proletarian migrate --sql sqlite:///jbos.db").code == 0
    assert not list(shell.folder.glob("jbos*"))


def test_it_counts_what_waits_is_due_runs_and_has_failed(here: Terminal) -> None:
    here.run("proletarian enqueue fail")
    assert here.run("proletarian worker shop.jobs --drain").code == 0
    here.run("proletarian enqueue sleep '{\"seconds\": 30}'")
    worker = here.start("proletarian worker shop.jobs --queue default=1 --stop-timeout 0")
    worker.wait_for("asleep")
    here.run('proletarian enqueue greet \'{"name": "Ann"}\'  --queue mail')
    here.run('proletarian enqueue greet \'{"name": "Bob"}\' --queue mail --in 2h')

    seen = status(here)
    text = here.run("proletarian status").out
    worker.send(signal.SIGTERM)
    worker.ends()
    left = status(here)

    queues = {queue.pop("queue"): queue for queue in seen["queues"]}
    assert 0 <= queues["mail"].pop("oldest_due_seconds") < 60
    assert queues == {
        "default": {"waiting": 0, "due": 0, "running": 1, "failed": 1, "workers": 1, "oldest_due_seconds": None},
        "mail": {"waiting": 2, "due": 1, "running": 0, "failed": 0, "workers": 0},
    }
    [alive] = seen["workers"]
    assert alive["alive"] is True
    assert alive["queues"] == "default=1"
    assert alive["worker"].endswith(f":{worker.process.pid}")
    assert "1 worker alive" in text
    assert "! no live worker serves 'mail'" in text
    assert "serves 'default'" not in text
    assert left["workers"] == []


def test_a_killed_worker_is_not_alive(here: Terminal) -> None:
    worker = here.start("proletarian worker shop.jobs")
    worker.wait_for("worker.started")
    worker.process.kill()
    worker.ends()

    [dead] = status(here)["workers"]

    assert dead["alive"] is False
    assert "0 workers alive" in here.run("proletarian status").out


def test_enqueue_prints_the_id_alone(here: Terminal, database: PrivateDatabase) -> None:
    said = here.run('proletarian enqueue greet \'{"name": "Ann"}\' --priority 5 --queue mail')

    assert (said.code, said.err) == (0, "")
    assert len(said.out.strip()) == 36
    assert database.rows(f"SELECT queue, job_type, payload, priority FROM {database.table('job')}") == [
        ("mail", "greet", '{"name":"Ann"}', 5)
    ]


def test_a_payload_may_come_from_stdin_and_may_be_left_out(here: Terminal, database: PrivateDatabase) -> None:
    here.run("proletarian enqueue greet -", stdin='{"name": "Ann"}')
    here.run("proletarian enqueue fail")

    payloads = database.rows(f"SELECT payload FROM {database.table('job')} ORDER BY enqueued_at, job_id")

    assert payloads == [('{"name":"Ann"}',), ("{}",)]


def test_a_paused_queue_is_shown_with_who_and_why(here: Terminal, database: PrivateDatabase) -> None:
    with database.connection() as connection:
        pause(connection, "mail", reason="smtp is down", by="ann")
        connection.commit()

    [paused] = status(here)["paused"]
    assert (paused["queue"], paused["reason"], paused["by"]) == ("mail", "smtp is down", "ann")
    shown = here.run("proletarian status").out
    assert "! 'mail' has been paused since " in shown
    assert " by ann: smtp is down" in shown
