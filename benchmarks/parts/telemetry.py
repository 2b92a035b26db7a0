"""What log fields, traces, metrics and Sentry add to a job, and that they add nothing if they are not used."""

from __future__ import annotations

import os
import subprocess
import sys

from benchmarks.measured import Found, Table
from benchmarks.run import Run, say
from benchmarks.stage import ours

KINDS = {
    "off": "none",
    "lines": "a log line in each job",
    "lines-with-fields": "a log line in each job, with `JobFields`",
    "prometheus": "Prometheus, with `counted`",
    "sentry": "Sentry's integration, no job fails",
    "opentelemetry-api": "OpenTelemetry instrumented, no SDK",
    "opentelemetry-sdk": "OpenTelemetry with its SDK, each span recorded",
}


def measure(run: Run) -> list[Found]:
    """Processor time of a process that only drains no-op jobs; the kinds are measured in turn."""
    jobs = run.size(10_000, 3_000)
    table = Table(
        "telemetry",
        f"Processor time per job, in a drain of {jobs:,} no-op jobs on SQLite",
        "µs",
        ours=KINDS["off"],
        more_is_better=False,
        plotted=False,
        digits=1,
    )
    environment = {**os.environ, "PYTHONPATH": str(ours(run.folder))}
    for number in range(run.rounds):
        for kind, label in KINDS.items():
            say(f"telemetry, round {number + 1}/{run.rounds}: {label}")
            command = [sys.executable, "-m", "benchmarks.programs.with_telemetry", kind, str(jobs)]
            done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
            table.add(label, float(done.stdout))
    return [table]
