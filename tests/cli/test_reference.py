"""The reference of the command line says what the program says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import click
import pytest

from proletarian import (
    Count,
    FailureGroup,
    JobRecord,
    LimitRecord,
    Minute,
    Pause,
    QueueStats,
    ScheduleRecord,
    Tasks,
    WorkerRecord,
)
from proletarian.cli import exit_codes, main, promised
from tests.cli.terminal import Terminal
from tests.project.source import ROOT

PAGE = (ROOT / "docs/reference/cli.md").read_text()
NOW = datetime.now(UTC)
SOME = Count(3)


def commands(group: click.Group = main, path: str = "") -> Iterator[str]:
    """Every command, by its path."""
    for name, command in group.commands.items():
        yield f"{path}{name}"
        if isinstance(command, click.Group):
            yield from commands(command, f"{path}{name} ")


def test_every_command_is_on_the_page_and_no_other() -> None:
    assert sorted(re.findall(r"^```\{command-help\} (.+)$", PAGE, re.MULTILINE)) == sorted(commands())
    assert sorted(re.findall(r"^###? proletarian (.+)$", PAGE, re.MULTILINE)) == sorted(commands())


@pytest.mark.parametrize("path", [*commands()])
def test_every_command_and_option_explains_itself(path: str) -> None:
    command: click.Command = main
    for name in path.split():
        assert isinstance(command, click.Group)
        command = command.commands[name]

    assert command.help
    assert [option.name for option in command.params if isinstance(option, click.Option) and not option.help] == []


def test_database_and_app_are_said_everywhere_alike() -> None:
    leaves = [path for path in commands() if not any(other.startswith(f"{path} ") for other in commands())]
    shared = {"--database", "--app", "--app-dir", "--prefix", "--job-ids"}
    for path in leaves:
        command: Any = main
        for name in path.split():
            command = command.commands[name]
        known = {flag for option in command.params for flag in option.opts}
        # One makes its own database, the other asks a worker.
        assert path in ("demo", "health") or shared <= known, path


def test_the_exit_codes_are_those_of_the_program() -> None:
    table = PAGE.partition("## Exit codes")[2]
    codes = {int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}

    assert codes == {value for name, value in vars(exit_codes).items() if name.isupper()}


def documented(kind: str) -> set[str]:
    """The keys that the page names for one of these."""
    [line] = re.findall(rf"^\| `{kind}` \| (.+) \|$", PAGE.partition("The entries of the lists:")[2], re.MULTILINE)
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", line)))


def test_the_keys_of_json_are_those_of_the_program() -> None:
    tasks = Tasks()

    @tasks.task
    def greet() -> None: ...

    counts: dict[str, Any] = {"due": SOME, "scheduled": SOME, "failed": SOME}
    pause = Pause("mail", "", "", NOW)
    said: dict[str, dict[str, Any]] = {
        "jobs": promised.job(JobRecord(job_id=1, state="waiting", queue="mail", job_type="greet")),
        "queues": promised.queue(
            QueueStats(queue="mail", **counts, running=1, oldest_due=NOW, late=1.0, workers=1, slots=1, pause=pause)
        ),
        "workers": promised.worker(
            WorkerRecord(
                worker_id=uuid4(), name="", host="web1", pid=1, queues={}, job_types=None, is_alive=True,
                started_at=NOW, seen_at=NOW, silent=0.0, running=0, oldest_run=None,
            )
        ),
        "schedules": promised.schedule(
            ScheduleRecord(
                name="sync", app="", cron=None, every=timedelta(1), tz="UTC", missed="once", job_type="greet",
                queue="mail", payload={}, options={}, declared=True, next_at=NOW, last_at=None, paused_at=None,
            )
        ),
        "limits": promised.limit(
            LimitRecord(
                name="smtp", running=2, rate=None, seconds=None, burst=None, ordered=False, held=1, by=None, set_at=None
            )
        ),
        "tasks": promised.task(greet, "default"),
        "minutes": promised.minute(Minute(at=NOW, succeeded=SOME, failed=SOME, cancelled=SOME)),
        "failures": promised.failures(
            FailureGroup(
                job_type="greet", error="ValueError", count=SOME, first_at=NOW, last_at=NOW, queues=[], message="",
                where=None, job_id=1,
            )
        ),
    }  # fmt: skip

    assert {kind: documented(kind) for kind in said} == {kind: set(value) for kind, value in said.items()}


def test_the_shell_completes_commands(shell: Terminal) -> None:
    said = shell.run(
        "proletarian", _PROLETARIAN_COMPLETE="bash_complete", COMP_WORDS="proletarian jobs re", COMP_CWORD="2"
    )

    assert sorted(said.out.split()) == ["plain,reschedule", "plain,retry"]
