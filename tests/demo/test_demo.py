"""`proletarian demo`, played to its end and broken off."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from proletarian.demo.books import Finished
from proletarian.demo.verdict import Verdict
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase
from tests.waiting import wait_until

RAN = """\
import sys
sys.modules["{missing}"] = None
from proletarian.cli import main
main(["demo"])
"""


@pytest.fixture
def shell(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal whose temporary folder is ours, so that one can see what is left there."""
    (tmp_path / "tmp").mkdir()
    with terminal(tmp_path, tmp_path, TMPDIR=str(tmp_path / "tmp")) as opened:
        yield opened


def is_running(pid: int) -> bool:
    """Whether there is such a process."""
    return Path(f"/proc/{pid}").exists()


def figure(text: str, name: str) -> float:
    """A number from the count at the end."""
    match = re.search(rf"^ *{name} +([\d,.]+)", text, re.MULTILINE)
    assert match, text
    return float(match[1].replace(",", ""))


def workers(text: str) -> list[int]:
    """The processes that it says it has started."""
    match = re.search(r"workers started, processes (\d+), (\d+)", text)
    assert match, text
    return [int(match[1]), int(match[2])]


def test_the_promise_is_kept(shell: Terminal, database: PrivateDatabase, tmp_path: Path) -> None:
    show = shell.start(f"proletarian demo {database.url}")
    code = show.ends(120)

    assert code == 0, show.text
    assert show.text.startswith("1,000 people sign up.")
    assert f"worker {workers(show.text)[1]} has taken over" in show.text
    assert "Left in " in show.text
    assert "What next: " in show.text.splitlines()[-1]
    assert "The promise was kept." in show.text
    assert figure(show.text, "accounts committed") == 1000
    assert figure(show.text, "without their email") == 0
    assert figure(show.text, "sign-ups rolled back") == 50
    assert figure(show.text, "but with an email") == 0
    assert figure(show.text, "emails refused at first and retried") == 100
    assert figure(show.text, "jobs that the killed worker held") > 0
    assert figure(show.text, "until the first of them ran again") > 0
    assert figure(show.text, "delivered twice without need") == 0
    assert database.count("archived_job") == 1000
    assert [pid for pid in workers(show.text) if is_running(pid)] == []
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_a_url_it_brings_its_own_database_and_leaves_nothing(shell: Terminal, tmp_path: Path) -> None:
    show = shell.start("proletarian demo")
    show.wait_for("killed with SIGKILL", 120)
    began = sorted(path.name for folder in (tmp_path / "tmp").iterdir() for path in folder.iterdir())
    show.send(signal.SIGTERM)

    assert "demo.db" in began
    assert show.ends() == 128 + signal.SIGTERM
    wait_until(lambda: not any(map(is_running, workers(show.text))), 60, what="the end of its workers")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_a_demo_that_is_killed_leaves_neither_worker_nor_folder(shell: Terminal, tmp_path: Path) -> None:
    show = shell.start("proletarian demo")
    show.wait_for("workers started", 120)
    wait_until(lambda: any((tmp_path / "tmp").glob("*/demo.db")), 60)
    pids = workers(show.text)
    show.wait_for("mails delivered", 60)
    show.send(signal.SIGKILL)
    show.ends()

    wait_until(lambda: not any(map(is_running, pids)), 60, what="the end of its workers")
    wait_until(lambda: list((tmp_path / "tmp").iterdir()) == [], 60, what="the end of its folder")


def test_it_does_not_run_beside_other_jobs(shell: Terminal, sqlite: PrivateDatabase) -> None:
    shell.run(f"proletarian enqueue greet --queue mail --database {sqlite.url}")

    said = shell.run(f"proletarian demo {sqlite.url}")

    assert (said.code, said.out) == (2, "")
    assert "has other jobs (1 waiting and 0 running in queue 'mail')" in said.err
    assert len(said.err.splitlines()) == 1


def test_a_wrong_url_gives_one_line(shell: Terminal) -> None:
    said = shell.run("proletarian demo postgresql://me:secret@127.0.0.1:1/db")

    assert said.code == 3
    assert len(said.err.splitlines()) == 1
    assert "secret" not in said.text


@pytest.mark.parametrize("missing", ["aiosmtpd", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    said = subprocess.run(
        [sys.executable, "-c", RAN.format(missing=missing)], capture_output=True, text=True, check=False
    )

    assert said.returncode == 2
    assert "pip install 'proletarian[demo]'" in said.stderr
    assert len(said.stderr.splitlines()) == 1


ANN, BOB = Finished("ann", "success", lost=0), Finished("bob", "success", lost=1)


@pytest.mark.parametrize(
    ("deliveries", "jobs", "kept"),
    [
        ({"ann": 1, "bob": 1}, [ANN, BOB], True),
        ({"ann": 1, "bob": 2}, [ANN, BOB], True),  # its worker was killed
        ({"ann": 2, "bob": 1}, [ANN, BOB], False),  # its worker lived
        ({"ann": 1}, [ANN, BOB], False),
        ({"ann": 1, "bob": 1, "eve": 1}, [ANN, BOB], False),  # her sign-up was rolled back
        ({"ann": 1, "bob": 1}, [ANN], False),
    ],
)
def test_the_verdict_sees_a_broken_promise(deliveries: dict[str, int], jobs: list[Finished], kept: bool) -> None:
    verdict = Verdict({"ann", "bob"}, rolled_back=1, deliveries=deliveries, refused=0, jobs=jobs, recovery=1.0)

    assert verdict.kept is kept
    assert verdict.lines()[-1] == ("The promise was kept." if kept else "THE PROMISE WAS BROKEN.")
