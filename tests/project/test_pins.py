"""The versions in `constraints.txt` can be installed with every Python that the library is for."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.authorities import going_out
from tests.project.source import ROOT

# Of these there is only source, whose needs pip can ask of the Python that runs, and of no other.
COMPILED = ("mariadb", "mysqlclient")
# The first release of each, because a version that asks for a later one is refused there.
PYTHONS = ("3.11.0", "3.12.0", "3.13.0", "3.14.0")


@pytest.mark.parametrize("python", PYTHONS)
def test_the_pins_fit(python: str, tmp_path: Path) -> None:
    pins = [line for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith(COMPILED)]
    (tmp_path / "pins.txt").write_text("\n".join(pins))
    done = subprocess.run(
        [sys.executable, "-m", "pip", "--disable-pip-version-check", "install", "--dry-run", "--ignore-installed",
         "--no-deps", "--only-binary=:all:", "--python-version", python, "--target", tmp_path / "nowhere",
         "--retries", "1", "-r", tmp_path / "pins.txt"],
        env=going_out(), capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    if "(from versions: none)" in done.stderr:  # it has no version at all: what pip says where it reaches no index
        reason = f"NOT TESTED: the package index cannot be reached: {done.stderr.strip().splitlines()[-1]}"
        pytest.fail(reason) if os.environ.get("CI") else pytest.skip(reason)
    assert done.returncode == 0, done.stderr
    assert "Would install" in done.stdout
