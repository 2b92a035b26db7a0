"""Failed jobs in Sentry: the real SDK sends to a server of ours."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from proletarian import NewJob
from proletarian.contrib.sentry import ProletarianIntegration
from proletarian.errors import ConfigurationError
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase
from tests.telemetry.sink import Sink, sink

JOBS = """
import asyncio
import json
import logging
import os
import signal
from datetime import timedelta

import sentry_sdk

from proletarian import Cancel, Retry, Snooze, Tasks
from proletarian.contrib.sentry import ProletarianIntegration

sentry_sdk.init(
    os.environ["DSN"], integrations=[ProletarianIntegration(**json.loads(os.environ.get("OPTIONS", "{}")))]
)
log = logging.getLogger("shop")
tasks = Tasks()


def boom(where: str) -> None:
    raise ValueError(f"no luck in {where}")


@tasks.task
def plain() -> None:
    sentry_sdk.set_tag("tenant", "acme")
    log.info("a breadcrumb of %s", "plain")
    boom("a thread")


@tasks.task
async def coroutine() -> None:
    log.info("a breadcrumb of %s", "coroutine")
    await asyncio.sleep(0.01)
    boom("a coroutine")


@tasks.task(process=True)
def apart() -> None:
    log.info("a breadcrumb of %s", "apart")
    boom("a child process")


@tasks.task(process=True)
def killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@tasks.task(retry=Retry(2, delays=[0]))
def again() -> None:
    raise TimeoutError("three times")


@tasks.task
def logged() -> None:
    try:
        boom("a log line")
    except ValueError:
        log.exception("told by the handler already")
        raise


@tasks.task
def fine() -> None:
    log.warning("only a breadcrumb")


@tasks.task
def later() -> None:
    raise Snooze(3600)


@tasks.task
def off() -> None:
    raise Cancel("not wanted any more")


tasks.schedule("0 6 1 * *", fine.job(), name="Monthly report", tz="Europe/Berlin")
tasks.schedule(timedelta(minutes=5), again.job(), name="sync")
"""


@pytest.fixture
def sentry() -> Iterator[Sink]:
    """A server that takes what is sent to Sentry."""
    with sink() as opened:
        yield opened


@pytest.fixture
def shell(tmp_path: Path, sqlite: PrivateDatabase, sentry: Sink) -> Iterator[Terminal]:
    """A terminal in a folder with the jobs of a shop, which reports to that server."""
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "shop.py").write_text(JOBS)
    with terminal(folder, tmp_path, PROLETARIAN_DATABASE=sqlite.url, DSN=sentry.dsn) as opened:
        yield opened


def raised(event: dict[str, Any]) -> tuple[str, str]:
    """The error that was raised in an issue: its type, and what it says."""
    last = event["exception"]["values"][-1]
    return last["type"], last["value"]


def test_each_failure_is_one_issue_with_its_job(shell: Terminal, sqlite: PrivateDatabase, sentry: Sink) -> None:
    names = ("plain", "coroutine", "apart", "again", "logged", "fine", "later", "off")
    job_ids = dict(zip(names, sqlite.put(*(NewJob(name, {}) for name in names)), strict=True))
    done = shell.run("proletarian worker shop --drain --queue default=1")
    assert done.code == 0, done.text

    failed = {event["tags"]["proletarian.job"]: event for event in sentry.events}
    assert len(failed) == len(sentry.events), [raised(event) for event in sentry.events]
    assert {name: raised(event) for name, event in failed.items()} == {
        "plain": ("ValueError", "no luck in a thread"),
        "coroutine": ("ValueError", "no luck in a coroutine"),
        "apart": ("ValueError", "no luck in a child process"),
        "again": ("TimeoutError", "three times"),
        "logged": ("ValueError", "no luck in a log line"),
    }
    for name, event in failed.items():
        tags = event["tags"]
        assert (tags["proletarian.queue"], tags["proletarian.job_id"]) == ("default", str(job_ids[name]))
        assert tags["proletarian.attempt"] == ("3" if name == "again" else "1")
        assert tags.get("tenant") == ("acme" if name == "plain" else None), "a scope is one run's"
        assert event["transaction"] == name
        frames = event["exception"]["values"][-1]["stacktrace"]["frames"]
        assert frames[-1]["function"] == ("again" if name == "again" else "boom")
        crumbs = [crumb["message"] for crumb in event["breadcrumbs"]["values"] if crumb["category"] == "shop"]
        assert [crumb for crumb in crumbs if "a breadcrumb" in crumb] == (
            [f"a breadcrumb of {name}"] if name in ("plain", "coroutine", "apart") else []
        )
    assert failed["apart"]["exception"]["values"][-1]["stacktrace"]["frames"][-1]["vars"]["where"] == (
        "'a child process'"
    )
    assert not sentry.check_ins


def test_every_failure_is_reported_if_that_is_asked_for(shell: Terminal, sqlite: PrivateDatabase, sentry: Sink) -> None:
    sqlite.put(NewJob("again", {}))
    done = shell.run("proletarian worker shop --drain", OPTIONS=json.dumps({"report": "every"}))

    assert done.code == 0, done.text
    assert [event["tags"]["proletarian.attempt"] for event in sentry.events] == ["1", "2", "3"]


def test_a_schedule_checks_in_once_a_tick(shell: Terminal, sqlite: PrivateDatabase, sentry: Sink) -> None:
    def fired(name: str, schedule: str) -> NewJob:
        tick = datetime(2026, 11, 1, tzinfo=UTC)
        return NewJob(name, {}, headers={"schedule": schedule, "schedule_tick": tick.isoformat()})

    sqlite.put(fired("fine", "Monthly report"), fired("again", "sync"), fired("off", "somebody's"), NewJob("fine", {}))
    done = shell.run(
        "proletarian worker shop --drain --queue default=1",
        OPTIONS=json.dumps({"monitor_schedules": ["Monthly report", "sync"]}),
    )
    assert done.code == 0, done.text

    found: dict[str, list[Any]] = {}
    for said in sentry.check_ins:
        found.setdefault(said["monitor_slug"], []).append(said)
    assert {slug: [said["status"] for said in all_] for slug, all_ in found.items()} == {
        "monthly-report": ["in_progress", "ok"],
        "sync": ["in_progress", "in_progress", "in_progress", "error"],
    }
    for all_ in found.values():
        assert len({said["check_in_id"] for said in all_}) == 1, "all attempts are one check-in"
    assert found["monthly-report"][0]["monitor_config"] == {
        "schedule": {"type": "crontab", "value": "0 6 1 * *"}, "timezone": "Europe/Berlin",
    }  # fmt: skip
    assert found["sync"][0]["monitor_config"]["schedule"] == {"type": "interval", "value": 5, "unit": "minute"}
    assert len(sentry.events) == 1


def test_a_process_that_dies_is_an_issue_too(shell: Terminal, sqlite: PrivateDatabase, sentry: Sink) -> None:
    sqlite.put(NewJob("killed", {}))
    done = shell.run("proletarian worker shop --drain")

    assert done.code == 0, done.text
    [event] = sentry.events
    assert raised(event)[0] == "ProcessDied"
    assert event["tags"]["proletarian.job"] == "killed"


def test_another_report_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'final' or 'every', not 'sometimes'"):
        ProletarianIntegration(report="sometimes")  # type: ignore[arg-type]
