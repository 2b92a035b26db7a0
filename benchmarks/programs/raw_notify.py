"""No library at all: a NOTIFY from one connection to another that waits for it, the lower bound for a pick-up."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

import psycopg

from benchmarks.programs.contestant import URL, main, record


def worker() -> None:
    record.ready()
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute("LISTEN bench")
        for notification in connection.notifies():
            record(int(notification.payload))


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    with psycopg.connect(URL, autocommit=True) as connection:
        yield SimpleNamespace(put=lambda number: connection.execute("SELECT pg_notify('bench', %s)", (str(number),)))


main(client=client, worker=worker)
