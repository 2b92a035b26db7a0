# mypy: ignore-errors
"""huey on SQLite; its worker is huey's own command."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import SimpleNamespace

from benchmarks.programs.contestant import main, payload
from benchmarks.programs.huey_hit import hit


@asynccontextmanager
async def client() -> AsyncIterator[SimpleNamespace]:
    yield SimpleNamespace(put=lambda number: hit(**payload(number)))


main(client=client)
