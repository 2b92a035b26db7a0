"""The files for Prometheus and Grafana: what they ask for is there, and Prometheus itself understands them."""

from __future__ import annotations

import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from proletarian import NewJob, Tasks, Worker
from proletarian.contrib.prometheus import FleetCollector, count_enqueues, counted
from proletarian.events import silent
from servers import Unavailable
from servers.debian import unpacked
from tests.databases import PrivateDatabase

FILES = Path(__file__).parents[2] / "docs/_static/telemetry"
VARIABLES = {"$queue": ".*", "$job": ".*", "$__rate_interval": "1m"}


def rules() -> list[dict[str, Any]]:
    """The alert rules."""
    [group] = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard."""
    found: list[dict[str, Any]] = json.loads((FILES / "grafana.json").read_text())["panels"]
    return found


def expressions() -> dict[str, str]:
    """Every expression, by where it stands."""
    alerts = {f"alert {rule['alert']}": rule["expr"] for rule in rules()}
    shown = {
        f"panel {panel['title']} {target['refId']}": target["expr"] for panel in panels() for target in panel["targets"]
    }
    return {**alerts, **shown}


@pytest.fixture
def known(sqlite: PrivateDatabase) -> dict[str, set[str]]:
    """The labels of each series that there is, by its name."""
    registry, tasks = CollectorRegistry(), Tasks()
    count_enqueues(tasks, registry)
    log = counted(silent, registry)

    @tasks.task
    def greet() -> None: ...

    with sqlite.connection() as connection:
        greet.enqueue(connection)
        connection.commit()
    Worker(sqlite.url, tasks, log=log).drain()
    log("job.lease_lost", {"queue": "default"})
    sqlite.put(NewJob("greet"))
    registry.register(FleetCollector(sqlite.url))
    return {sample.name: set(sample.labels) for metric in registry.collect() for sample in metric.samples}


def test_every_expression_asks_for_series_and_labels_that_there_are(known: dict[str, set[str]]) -> None:
    for place, expression in expressions().items():
        names = re.findall(r"proletarian_\w+", expression)
        assert names, place
        assert set(names) <= set(known), place
        for name, selector in re.findall(r"(proletarian_\w+)\{(.*?)\}", expression):
            assert set(re.findall(r"(\w+)\s*(?:=~|!=|=)", selector)) <= known[name], place
        grouped = {label.strip() for labels in re.findall(r"by \((.*?)\)", expression) for label in labels.split(",")}
        assert grouped <= set.union(*(known[name] for name in names)), place


def test_every_series_is_shown_or_alerted_on(known: dict[str, set[str]]) -> None:
    asked = " ".join(expressions().values())
    families = {re.sub(r"_(bucket|sum|count|created)$", "", name) for name in known}

    assert {name for name in families if name not in asked} == set()


def test_the_dashboard_is_one_that_grafana_takes() -> None:
    dashboard = json.loads((FILES / "grafana.json").read_text())
    variables = {variable["name"] for variable in dashboard["templating"]["list"]}
    ids = [panel["id"] for panel in panels()]
    cells = [
        (x, y)
        for at in (panel["gridPos"] for panel in panels())
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]

    assert len(set(ids)) == len(ids)
    assert len(set(cells)) == len(cells), "no panel lies on another"
    assert max(x for x, _ in cells) < 24
    used = {name for text in expressions().values() for name in re.findall(r"\$(\w+)", text)}
    assert used <= variables | {"__rate_interval"}
    assert all(panel["datasource"]["uid"] == "${datasource}" for panel in panels())


@pytest.fixture(scope="session")
def promtool() -> Iterator[Path]:
    """Prometheus's own checker, from Debian."""
    try:
        yield unpacked("bookworm", "prometheus") / "usr/bin/promtool"
    except Unavailable as error:
        reason = f"NOT TESTED: rules and dashboard were not given to promtool, which cannot be had: {error}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)


def checked(promtool: Path, *arguments: str | Path) -> None:
    """Run promtool; an assertion error if it finds something wrong."""
    done = subprocess.run([promtool, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_promtool_takes_them(promtool: Path, tmp_path: Path) -> None:
    recorded = []
    for number, expression in enumerate(expressions().values()):
        for name, value in VARIABLES.items():
            expression = expression.replace(name, value)
        recorded.append({"record": f"panel:{number}", "expr": expression})
    path = tmp_path / "panels.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}))

    checked(promtool, "check", "config", FILES / "prometheus.yml")  # and the rules that it names
    checked(promtool, "check", "rules", path)


def test_alerts_go_off_when_they_should_and_not_before(promtool: Path, tmp_path: Path) -> None:
    def after(minutes: int, alert: str, *labels: dict[str, str]) -> dict[str, Any]:
        severity = next(rule["labels"] for rule in rules() if rule["alert"] == alert)
        alerts = [{"exp_labels": {**severity, **more}} for more in labels]
        return {"eval_time": f"{minutes}m", "alertname": alert, "exp_alerts": alerts}

    rules_without_words = {
        "groups": [{"name": "proletarian", "rules": [{**rule, "annotations": {}} for rule in rules()]}]
    }
    (tmp_path / "alerts.yml").write_text(yaml.safe_dump(rules_without_words))
    series = {
        'proletarian_queue_oldest_seconds{queue="mail"}': "0+60x30",
        'proletarian_queue_oldest_seconds{queue="idle"}': "0+60x30",
        'proletarian_queue_paused{queue="mail"}': "0x30",
        'proletarian_queue_paused{queue="idle"}': "1x30",
        'proletarian_queue_jobs{queue="mail", state="waiting"}': "1x30",
        'proletarian_worker_slots{queue="mail"}': "2x9 0x20",
        'proletarian_jobs_finished_total{job="send", queue="mail", outcome="failed"}': "0+2x30",
        'proletarian_jobs_finished_total{job="send", queue="mail", outcome="succeeded"}': "0+8x30",
        'proletarian_jobs_finished_total{job="tidy", queue="mail", outcome="succeeded"}': "0+8x30",
        "proletarian_jobs_rescued_total": "0x10 0+1x20",
        "proletarian_up": "1x20 0x10",
    }
    expected = [
        after(4, "JobsLate"), after(8, "JobsLate", {"queue": "mail"}),
        after(8, "NoWorker"), after(12, "NoWorker", {"queue": "mail"}),
        after(10, "JobsFail", {"job": "send"}),
        after(10, "WorkersDie"), after(20, "WorkersDie", {}),
        after(15, "QueueDatabaseAway"), after(25, "QueueDatabaseAway", {}),
    ]  # fmt: skip
    given = [{"series": name, "values": values} for name, values in series.items()]
    trial = {
        "rule_files": ["alerts.yml"],
        "tests": [{"interval": "1m", "input_series": given, "alert_rule_test": expected}],
    }
    (tmp_path / "trial.yml").write_text(yaml.safe_dump(trial))

    checked(promtool, "test", "rules", tmp_path / "trial.yml")
