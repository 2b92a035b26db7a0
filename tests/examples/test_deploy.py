"""The files to deploy with: every command line in them is one that the program takes, and the times fit."""

from __future__ import annotations

import configparser
import json
import re
import shlex
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click
import pytest
import yaml

from proletarian.cli.durations import duration
from proletarian.cli.program import main as program
from tests.cli.terminal import ROOT, terminal
from tests.databases import PrivateDatabase
from tests.waiting import wait_until

DEPLOY = ROOT / "examples/deploy"


class Command(NamedTuple):
    """A command line, where it stands, and the environment that it has there."""

    place: str
    words: list[str]
    environment: dict[str, str]


def unit(name: str) -> configparser.SectionProxy:
    """The [Service] of a unit of systemd."""
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    parser.optionxform = str  # type: ignore[assignment, method-assign]
    parser.read_string((DEPLOY / "systemd" / name).read_text().replace("\\\n", " "))
    return parser["Service"]


def dockerfile() -> dict[str, Any]:
    """The instructions of the Dockerfile, the last of each; lists are read."""
    text = (DEPLOY / "docker/Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    found: dict[str, Any] = {}
    for name, _, rest in (line.partition(" ") for line in lines):
        words = re.search(r"\[.*\]$", rest)
        found[name] = json.loads(words[0]) if words else rest
    return {**found, "ENV": dict(pair.split("=", 1) for pair in shlex.split(str(found["ENV"])))}


def compose() -> dict[str, Any]:
    """The services of the compose file."""
    services: dict[str, Any] = yaml.safe_load((DEPLOY / "docker/compose.yaml").read_text())["services"]
    return services


def pod(name: str) -> dict[str, Any]:
    """The template of a pod."""
    spec: dict[str, Any] = yaml.safe_load((DEPLOY / "kubernetes" / name).read_text())["spec"]["template"]["spec"]
    return spec


def commands() -> Iterator[Command]:
    """All of them."""
    for name in ("shop-worker@.service", "shop-migrate.service"):
        yield Command(name, shlex.split(unit(name)["ExecStart"]), {})
    image = dockerfile()
    of_image = image["ENV"]
    yield Command("Dockerfile", [*image["ENTRYPOINT"], *image["CMD"]], of_image)
    yield Command("Dockerfile, health", image["HEALTHCHECK"], of_image)
    for name, service in compose().items():
        if "build" in service:
            words = [*image["ENTRYPOINT"], *service["command"]]
            yield Command(f"compose, {name}", words, {**of_image, **service["environment"]})
    for name in ("worker.yaml", "migrate.yaml"):
        for container in pod(name)["containers"]:
            environment = {entry["name"]: entry.get("value", "postgresql://…") for entry in container["env"]}
            yield Command(name, container["command"], environment)
            for key in ("startupProbe", "livenessProbe", "readinessProbe"):
                if key in container:
                    yield Command(f"{name}, {key}", container[key]["exec"]["command"], environment)
    for line in (DEPLOY / "heroku/Procfile").read_text().splitlines():
        name, _, text = line.partition(": ")
        yield Command(f"Procfile, {name}", shlex.split(text), {"DATABASE_URL": "postgres://…"})


@pytest.mark.parametrize("command", list(commands()), ids=lambda command: command.place)
def test_the_program_takes(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in command.environment.items():
        monkeypatch.setenv(name, value)
    named, *words = command.words
    assert named.rpartition("/")[2] == "proletarian"

    with program.make_context("proletarian", words) as context:
        _, found, rest = program.resolve_command(context, [*context._protected_args, *context.args])
        assert found is not None
        with found.make_context(found.name, rest, parent=context) as inner:
            assert inner.params


def test_every_variable_is_one_that_the_program_reads() -> None:
    known = {
        name
        for command in program.commands.values()
        for parameter in command.params
        if isinstance(parameter, click.Parameter)
        for name in ([parameter.envvar] if isinstance(parameter.envvar, str) else parameter.envvar or [])
    }
    text = "".join(path.read_text() for path in DEPLOY.rglob("*") if path.is_file())

    assert set(re.findall(r"PROLETARIAN_[A-Z_]+", text)) <= known


def test_who_stops_a_worker_waits_longer_than_it_does() -> None:
    def stop_timeout(place: str) -> float:
        [command] = [command for command in commands() if command.place == place]
        said = command.environment.get("PROLETARIAN_STOP_TIMEOUT")
        return float(duration(said or command.words[command.words.index("--stop-timeout") + 1]))

    waits = {
        "shop-worker@.service": int(unit("shop-worker@.service")["TimeoutStopSec"]),
        "compose, worker": duration(compose()["worker"]["stop_grace_period"]),
        "worker.yaml": pod("worker.yaml")["terminationGracePeriodSeconds"],
        "Procfile, worker": 30,  # what Heroku gives
    }
    assert {place: wait for place, wait in waits.items() if wait < stop_timeout(place) + 15} == {}


def test_what_compose_starts_works(sqlite: PrivateDatabase, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        address = f"127.0.0.1:{probe.getsockname()[1]}"
    found = {command.place: command for command in commands()}
    environment = {
        **found["compose, worker"].environment,
        "PROLETARIAN_DATABASE": sqlite.url,
        "PROLETARIAN_HEALTH": address,
    }
    with terminal(DEPLOY / "app", tmp_path, **environment) as shell:
        assert shell.run(shlex.join(found["compose, migrate"].words)).code == 0
        worker = shell.start(shlex.join(found["compose, worker"].words))
        assert shell.run("proletarian enqueue send_welcome '{\"account_id\": 42}'").code == 0
        worker.wait_for("welcome, account 42")
        health = shlex.join(found["Dockerfile, health"].words)
        wait_until(lambda: shell.run(health).code == 0, what="health")
        worker.send(signal.SIGTERM)

        assert worker.ends() == 0, worker.text
        assert '"job_type": "send_welcome"' in worker.text


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="NOT TESTED: units without systemd-analyze")
@pytest.mark.parametrize("name", ["shop-worker@1.service", "shop-migrate.service"])
def test_systemd_takes_the_unit(name: str, tmp_path: Path) -> None:
    text = (DEPLOY / "systemd" / name.replace("@1", "@")).read_text()
    here = text.replace("/srv/shop/.venv/bin/proletarian", shutil.which("true") or "").replace("/srv/shop", "/")
    (tmp_path / name).write_text(here)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / name], capture_output=True, text=True, timeout=60, check=False
    )

    assert [line for line in done.stderr.splitlines() if name in line] == []
    assert done.returncode == 0, done.stderr
