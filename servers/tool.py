"""A program that does one thing and ends: initdb, psql, a server that only creates its data."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from servers import account
from servers.process import clean_environment


def run(
    argv: Sequence[str | Path],
    *,
    environment: Mapping[str, str] | None = None,
    stdin: str = "",
    timeout: float = 120,
) -> str:
    """Run it under the servers' account; return what it printed."""
    name = Path(argv[0]).name
    try:
        done = subprocess.run(
            account.command(argv),
            input=stdin,
            capture_output=True,
            text=True,
            cwd="/",
            env=clean_environment(environment),
            timeout=timeout,
        )
    except subprocess.TimeoutExpired:
        raise TimeoutError(f"{name} did not end within {timeout:g} seconds") from None
    if done.returncode != 0:
        said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-20:])
        raise RuntimeError(f"{name} ended with status {done.returncode}; it said:\n{said}")
    return done.stdout
