"""Telemetry that nobody asked for."""

from __future__ import annotations

import subprocess
import sys

from proletarian import NewJob
from tests.databases import PrivateDatabase

PROGRAM = """
import sys
from proletarian import Tasks, Worker

tasks = Tasks()

@tasks.task
def greet() -> None: ...

assert Worker(sys.argv[1], tasks).drain() == 1
wanted = ("opentelemetry", "prometheus_client", "sentry_sdk", "proletarian.contrib")
print([name for name in sys.modules if name.startswith(wanted)])
"""


def test_nothing_of_it_is_imported(sqlite: PrivateDatabase) -> None:
    sqlite.put(NewJob("greet"))
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, sqlite.url], capture_output=True, text=True, timeout=60, check=False
    )

    assert done.stdout == "[]\n", done.stderr
