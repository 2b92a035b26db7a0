"""`proletarian demo --web`: a newcomer's second look."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from tests.cli.terminal import terminal
from tests.waiting import wait_until
from tests.web.served import Site


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_shop_is_there_to_be_looked_at_and_leaves_nothing(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "tmp").mkdir()
    with terminal(tmp_path, tmp_path, TMPDIR=str(tmp_path / "tmp")) as shell:
        demo = shell.start("proletarian demo --web --port 0 --no-open")
        demo.wait_for("?token=")
        port, _, path = demo.text.split("http://127.0.0.1:")[-1].split()[0].partition("/")
        site = Site(int(port))
        cookie = site.get(f"/{path}").headers["set-cookie"].partition(";")[0]

        def workers() -> list[int]:
            found = json.loads(site.get("/api/v1/workers", Cookie=cookie).text)["workers"]
            return [worker["pid"] for worker in found if worker["is_alive"]]

        wait_until(lambda: len(workers()) == 2, 60, what="two workers")
        overview = site.get("/", Cookie=cookie).text
        schedules = json.loads(site.get("/api/v1/schedules", Cookie=cookie).text)["schedules"]
        lanes = json.loads(site.get("/api/v1/limits", Cookie=cookie).text)["lanes"]
        pids = workers()
        demo.send(number)
        demo.ends()

    assert "newsletter has been paused" in overview
    assert "charge_card fails with CardDeclined" in overview
    assert "No live worker serves finance" in overview
    assert [one["name"] for one in schedules] == [
        "figures for Ann", "monthly report", "nightly figures", "stock of Gdańsk", "stock of Porto",
    ]  # fmt: skip
    assert {"ask_supplier:Acme", "ask_supplier:Globex"} <= {one["lane"] for one in lanes}
    assert "Traceback" not in demo.text
    wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), what="the workers' end")
    assert list((tmp_path / "tmp").iterdir()) == []
