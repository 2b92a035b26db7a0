"""How commands fail: one line, an exit code, no password."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from proletarian.cli import exit_codes
from tests.cli.terminal import Terminal

HEAVY = {"asyncio", "importlib.resources", "json", "logging", "msgspec", "psycopg", "pymysql", "sqlite3",
         "proletarian.worker", "proletarian.queue", "rich"}  # fmt: skip


def test_the_exit_codes_are_these_for_ever() -> None:
    promised = {"CLEAN": 0, "FAILED_CHECK": 1, "USAGE": 2, "DATABASE": 3, "GIVEN_BACK": 4, "BUG": 70, "HUNG": 71}

    assert {name: value for name, value in vars(exit_codes).items() if name.isupper()} == promised
    assert all(f"\n{name} " in (exit_codes.__doc__ or "") for name in promised)


@pytest.mark.parametrize(
    ("url", "code", "says"),
    [
        ("oracle://me:secret@host/db", 2, "'oracle://me:***@host/db' is not a database URL; it begins with one of:"),
        ("shop.db", 2, "'shop.db' is not a database URL"),
        ("sqlite:////no/such/folder/x.db", 2, "there is no folder '/no/such/folder'"),
        ("sqlite:///shop/jobs.py", 3, "file is not a database"),
        ("mysql://me:secret@localhost:port/db", 2, "the URL's port is not a number"),
        ("mysql://me:secret@localhost:3306", 2, "the URL names no database"),
        ("mysql://me:secret@127.0.0.1:1/db", 3, "mysql://me:***@127.0.0.1:1/db cannot be reached"),
        ("postgresql://me:secret@127.0.0.1:1/db", 3, "postgresql://me:***@127.0.0.1:1/db cannot be reached"),
        ("postgresql://127.0.0.1:1/db?password=secret", 3, "password=*** cannot be reached"),
    ],
)
@pytest.mark.parametrize("command", ["status --database", "migrate"])
def test_a_wrong_url_gives_one_line_without_the_password(
    command: str, url: str, code: int, says: str, shell: Terminal
) -> None:
    said = shell.run(f"proletarian {command} {url}")

    assert (said.code, said.out) == (code, "")
    assert len(said.err.splitlines()) == 1
    assert said.err.startswith("Error: ")
    assert says in said.err
    assert "secret" not in said.err


@pytest.mark.parametrize("payload", ["{bad", "{'name': 1}", '{"x": NaN}', "{} {}", ""])
def test_a_payload_that_is_not_json_is_refused(payload: str, shell: Terminal) -> None:
    said = shell.run(f"proletarian enqueue greet {shlex.quote(payload)} --database sqlite:///x.db")

    assert said.code == 2
    assert said.err.startswith("Error: the payload is not JSON: ")
    assert len(said.err.splitlines()) == 1


def test_missing_options_name_their_variable(shell: Terminal) -> None:
    said = shell.run("proletarian status")

    assert said.code == 2
    assert "PROLETARIAN_DATABASE" in said.err


def test_a_bug_of_ours_keeps_its_traceback_and_gives_70() -> None:
    program = (
        "import click; from proletarian.cli.program import Program\n"
        "@click.command()\ndef fall(): raise ZeroDivisionError('oops')\n"
        "Program(commands=[fall])(['fall'])"
    )

    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert said.returncode == 70
    assert "Traceback" in said.stderr
    assert "ZeroDivisionError: oops" in said.stderr
    assert said.stderr.splitlines()[-1].startswith("Error: this is a bug in Proletarian")


@pytest.mark.parametrize("command", ["", "jobs", "jobs list", "worker", "demo"])
def test_help_is_there_for_every_command(command: str, shell: Terminal) -> None:
    said = shell.run(f"proletarian {command} --help")

    assert (said.code, said.err) == (0, "")
    assert said.out.startswith(f"Usage: proletarian {command}")
    assert shell.run(f"proletarian {command} -h").out == said.out


def test_help_is_quick_because_it_imports_nothing_heavy() -> None:
    program = "import sys, proletarian.cli; print(*sys.modules)"

    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()

    assert HEAVY & set(loaded) == set()


def test_the_version_is_the_packages(shell: Terminal) -> None:
    import proletarian

    assert shell.run("proletarian --version").out == f"proletarian, version {proletarian.__version__}\n"


def test_python_m_is_the_same_program(shell: Terminal) -> None:
    assert shell.run("python -m proletarian --help").out == shell.run("proletarian --help").out


def test_nothing_is_left_in_the_folder(shell: Terminal, folder: Path) -> None:
    before = sorted(folder.rglob("*"))
    shell.run("proletarian migrate --sql sqlite")
    shell.run("proletarian roles postgresql --worker shop")

    assert sorted(folder.rglob("*")) == before
