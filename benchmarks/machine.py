"""What the figures depend on: the machine, its disk, the versions."""

from __future__ import annotations

import os
import platform
import statistics
import tempfile
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any


def about() -> dict[str, Any]:
    """Saved with every figure."""
    return {
        "when": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "cores": os.cpu_count(),
        "processor": processor(),
        "python": platform.python_version(),
        "system": system(),
        "fdatasync_ms": round(fdatasync() * 1000, 3),
        "load": [round(load, 2) for load in os.getloadavg()],
        "versions": {name: found for name in ("proletarian", "psycopg", "PyMySQL") if (found := installed(name))},
    }


def processor() -> str:
    """The processor's own name."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def system() -> str:
    """The distribution's own name."""
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return platform.platform()


def fdatasync() -> float:
    """Seconds that one commit waits for the disk. One commit per job costs at least this much."""
    with tempfile.TemporaryFile() as file:
        times = []
        for _ in range(200):
            file.write(b"x" * 200)
            file.flush()
            start = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(time.perf_counter() - start)
    return statistics.median(times)


def installed(name: str) -> str | None:
    """The version of a package, if it is there."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None
