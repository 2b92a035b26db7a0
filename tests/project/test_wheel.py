"""What is published: a wheel that installs into an empty environment and works there with SQLite alone."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

from tests.authorities import going_out
from tests.project.source import ROOT

PROGRAM = """
import sqlite3
from importlib.metadata import version

import proletarian
from proletarian import Tasks, Worker, migrate

assert "site-packages" in proletarian.__file__, proletarian.__file__
assert proletarian.__version__ == version("proletarian")
tasks = Tasks()

@tasks.task
def greet(name: str) -> None:
    print("hello", name)

migrate("sqlite:///jobs.db")
with sqlite3.connect("jobs.db") as connection:
    greet.enqueue(connection, name="Ada")
connection.close()
assert Worker("sqlite:///jobs.db", tasks).drain() == 1
"""


def run(folder: Path, *command: str | Path) -> str:
    """What a command prints; an error shows all that it said."""
    done = subprocess.run(
        command, cwd=folder, env=going_out(), capture_output=True, text=True, timeout=300, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_wheel_works_in_an_empty_environment(tmp_path: Path) -> None:
    run(ROOT, sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path)
    [wheel] = tmp_path.glob("*.whl")
    venv.create(tmp_path / "venv", with_pip=True)
    bin = tmp_path / "venv" / "bin"
    run(tmp_path, bin / "python", "-m", "pip", "--disable-pip-version-check", "install", "--quiet", wheel)
    (tmp_path / "program.py").write_text(PROGRAM)

    assert run(tmp_path, bin / "python", "program.py") == "hello Ada\n"
    installed = run(tmp_path, bin / "python", "-m", "pip", "--disable-pip-version-check", "list", "--format=freeze")
    assert {line.partition("==")[0] for line in installed.split()} <= {
        "proletarian", "msgspec", "click", "cronsim", "pip", "setuptools",
    }  # fmt: skip
    assert "Usage:" in run(tmp_path, bin / "proletarian", "--help")
    assert (tmp_path / "jobs.db").exists()
    names = run(tmp_path, bin / "python", "-c", f"import zipfile; print(*zipfile.ZipFile({str(wheel)!r}).namelist())")
    assert "proletarian/py.typed" in names
    assert "proletarian/contrib/django/templates/proletarian/confirm.html" in names
    assert "LICENSE" in names
    assert "tests" not in names
