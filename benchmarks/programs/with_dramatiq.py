# mypy: ignore-errors
"""dramatiq, on Redis, or on PostgreSQL with dramatiq-postgres; its worker is dramatiq's own command."""

from __future__ import annotations

import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import dramatiq

from benchmarks.programs.contestant import URL, main, payload, record

if URL.startswith("postgresql"):
    import dramatiq_postgres

    dramatiq.set_broker(dramatiq_postgres.PostgresBroker(url=URL, results=False))
else:
    from dramatiq.brokers.redis import RedisBroker

    dramatiq.set_broker(RedisBroker(url=URL))


@dramatiq.actor
def hit(n, email):
    record(n)


def setup() -> None:
    if URL.startswith("postgresql"):
        schema = Path(dramatiq_postgres.__file__).parent / "schema.sql"  # written for psql
        subprocess.run(["psql", "-q", "-f", schema, URL], check=True)


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    yield SimpleNamespace(put=lambda number: hit.send(**payload(number)))


if __name__ == "__main__":
    main(setup=setup, client=client)
