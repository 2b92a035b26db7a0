"""`python -m benchmarks.programs.with_telemetry KIND JOBS`: microseconds of processor time per job of a drain."""

from __future__ import annotations

import logging
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from proletarian import Tasks, Worker, migrate
from proletarian.events import Log, silent

log = logging.getLogger("shop")


class Nowhere(logging.Handler):
    """Formats each line and discards it."""

    def emit(self, record: logging.LogRecord) -> None:
        """What a handler does, except for writing."""
        self.format(record)


def main(kind: str, jobs: int) -> float:
    """Enqueue and run `jobs` jobs with one kind of telemetry."""
    tasks = Tasks()
    worker_log: Log = silent
    speaks = kind.startswith("lines")
    if speaks:
        handler = Nowhere()
        logging.getLogger().addHandler(handler)
        logging.getLogger("shop").setLevel(logging.INFO)
    if kind == "lines-with-fields":
        from proletarian.logs import JobFields

        handler.addFilter(JobFields())
    elif kind.startswith("opentelemetry"):
        from proletarian.contrib.opentelemetry import instrument

        options: dict[str, Any] = {}
        if kind == "opentelemetry-sdk":
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
            from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

            options["tracer_provider"] = TracerProvider()
            options["tracer_provider"].add_span_processor(BatchSpanProcessor(InMemorySpanExporter()))
        instrument(tasks, **options)
    elif kind == "prometheus":
        from proletarian.contrib.prometheus import counted

        worker_log = counted(silent)
    elif kind == "sentry":
        import sentry_sdk

        from proletarian.contrib.sentry import ProletarianIntegration

        sentry_sdk.init("http://key@127.0.0.1:1/1", integrations=[ProletarianIntegration()])

    @tasks.task
    def hit(number: int) -> None:
        if speaks:
            log.info("number %s", number)

    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'jobs.db'}"
        migrate(url)
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as connection:
            tasks.queue.enqueue_many(connection, [hit.job(number=number) for number in range(jobs)])
            connection.commit()
        started = time.process_time()
        ran = Worker(url, tasks, log=worker_log).drain()
        spent = time.process_time() - started
    if ran != jobs:
        raise RuntimeError(f"{ran} of {jobs} jobs were run")
    return spent / jobs * 1e6


if __name__ == "__main__":
    print(main(sys.argv[1], int(sys.argv[2])))
