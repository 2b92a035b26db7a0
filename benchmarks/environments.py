"""A virtual environment for each peer, because their dependencies may conflict; kept in a cache."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


class CannotInstall(Exception):
    """A peer could not be installed here."""


def cache() -> Path:
    """Where the environments are kept; `$PROLETARIAN_BENCHMARK_CACHE` overrides it."""
    home = Path("/var/cache") if os.geteuid() == 0 else Path.home() / ".cache"
    return Path(os.environ.get("PROLETARIAN_BENCHMARK_CACHE", home / "proletarian-benchmarks"))


def python_with(name: str, requirements: Sequence[str], *, since: tuple[int, int] = (3, 11)) -> Path:
    """
    The interpreter of an environment with these requirements; without any, ours, which runs this.

    A peer that needs a newer Python than ours, `since`, gets the oldest suitable one on the PATH.
    """
    if not requirements:
        return Path(sys.executable)
    interpreter, version = interpreter_since(name, since)
    mark = hashlib.sha256("\n".join([version, *requirements]).encode()).hexdigest()[:8]
    folder = cache() / "environments" / f"{name}-{mark}"
    python = folder / "bin/python"
    if (folder / "complete").exists():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run([interpreter, "-m", "venv", folder], check=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements]
    done = subprocess.run(install, capture_output=True, text=True)
    if done.returncode:
        raise CannotInstall(f"{name}: {(done.stderr.strip().splitlines() or ['pip failed'])[-1]}")
    (folder / "complete").touch()
    return python


def interpreter_since(name: str, since: tuple[int, int]) -> tuple[str, str]:
    """An interpreter that is new enough, and its version: ours if possible."""
    if sys.version_info >= since:
        return sys.executable, sys.version
    for minor in range(since[1], since[1] + 5):
        for folder in os.get_exec_path():
            python = os.path.join(folder, f"python{since[0]}.{minor}")
            if not os.access(python, os.X_OK):
                continue
            asked = subprocess.run([python, "-c", "import sys; print(sys.version)"], capture_output=True, text=True)
            if asked.returncode == 0:
                return python, asked.stdout.strip()
    raise CannotInstall(f"{name}: needs Python {since[0]}.{since[1]} or newer, and there is none on the PATH")


def versions(python: Path) -> dict[str, str]:
    """What is installed in an environment."""
    code = "from importlib.metadata import distributions as d; [print(i.name, i.version) for i in d()]"
    printed = subprocess.run([python, "-c", code], check=True, capture_output=True, text=True).stdout
    return {name.lower(): version for name, version in map(str.split, printed.splitlines())}
