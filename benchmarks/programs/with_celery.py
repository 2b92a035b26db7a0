# mypy: ignore-errors
"""Celery on Redis; its worker is Celery's own command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from celery import Celery

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

app = Celery("bench", broker=URL)
app.conf.update(
    task_ignore_result=True,
    broker_connection_retry_on_startup=True,
    worker_prefetch_multiplier=OPTIONS.get("prefetch", 4),
    worker_disable_rate_limits=True,
)


@app.task(name="hit")
def hit(n, email):
    record(n)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    yield SimpleNamespace(put=lambda number: hit.delay(**payload(number)))


if __name__ == "__main__":
    main(client=client)
