"""huey on SQLite; its worker is huey's own command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from contestant import URL, main, payload, record
from huey import SqliteHuey

huey = SqliteHuey("bench", filename=URL.removeprefix("sqlite:///"), results=False)  # synchronous=FULL is its default


@huey.task()
def hit(n, email):
    record(n)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    yield SimpleNamespace(put=lambda number: hit(**payload(number)))


if __name__ == "__main__":
    main(client=client)
