# mypy: ignore-errors
"""DBOS: a queue of workflows, each with the work of one step."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import sqlalchemy
from dbos import DBOS, DBOSClient

from benchmarks.programs.contestant import OPTIONS, URL, main, payload, record

OPTIONS_OF_A_JOB = {"queue_name": "q", "workflow_name": "hit", "app_version": "v1"}


@DBOS.workflow(name="hit")
def hit(n: int, email: str) -> None:
    record(n)


def launch() -> None:
    DBOS(
        config={
            "name": "bench", "system_database_url": URL, "run_admin_server": False, "log_level": "ERROR",
            "application_version": "v1",
        }
    )  # fmt: skip
    DBOS.launch()
    DBOS.register_queue(
        "q",
        worker_concurrency=OPTIONS.get("concurrency"),
        polling_interval_sec=OPTIONS.get("poll_interval", 1.0),
    )


def setup() -> None:
    launch()
    DBOS.destroy()


def worker() -> None:
    record.ready()
    launch()
    threading.Event().wait()


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    dbos = DBOSClient(system_database_url=URL)
    engine = sqlalchemy.create_engine(URL.replace("postgresql://", "postgresql+psycopg://"))

    def put(number: int) -> None:
        dbos.enqueue(OPTIONS_OF_A_JOB, *payload(number).values())

    def put_many(numbers: list[int]) -> None:
        with engine.begin() as connection:
            for number in numbers:
                dbos.enqueue_in_transaction(connection, OPTIONS_OF_A_JOB, *payload(number).values())

    yield SimpleNamespace(put=put, put_many=put_many)


main(setup=setup, client=client, worker=worker)
