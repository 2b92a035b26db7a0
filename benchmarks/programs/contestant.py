"""
The commands of each contestant's program, and how its own work is timed.

    python with_proletarian.py setup | single N CLIENTS | bulk N CHUNK | paced N GAP | worker [PROCESSES]

`$BENCHMARK` holds its input as JSON: `url` (of a fresh database), `records` (the folder
that handlers write to), `options`. The last line of its output is the result as JSON.
This file runs in the environments of all contestants.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Protocol

from benchmarks.programs.record import Recorder

_task = json.loads(os.environ.get("BENCHMARK", "{}"))
URL: str = _task.get("url", "")
OPTIONS: dict[str, Any] = _task.get("options", {})
FILLER: str | None = "x" * OPTIONS["size"] if "size" in OPTIONS else None
record = Recorder(_task.get("records", "."))


def payload(number: int) -> dict[str, Any]:
    """The payload of every job of every contestant; with the option `size`, that many characters more."""
    content = {"n": number, "email": "user@example.com"}
    return content if FILLER is None else {**content, "filler": FILLER}


class Client(Protocol):
    """Enqueues jobs; the methods may be plain functions or coroutine functions."""

    def put(self, number: int) -> Any:
        """Enqueue one job; it is committed when this returns."""

    def put_many(self, numbers: list[int]) -> Any:
        """Enqueue many jobs in the fewest documented steps; they are committed when this returns."""


async def _settled(result: Any) -> Any:
    return await result if inspect.isawaitable(result) else result


async def single(client: Client, count: int, clients: int) -> dict[str, Any]:
    """One job per commit, one after another, beginning together with the other clients."""
    for number in range(20):  # plans are cached, code is warm
        await _settled(client.put(-1 - number))
    together("clients", clients)
    start = time.monotonic()
    for number in range(count):
        await _settled(client.put(number))
    return {"start": start, "end": time.monotonic()}


def together(who: str, count: int) -> None:
    """Wait until `count` processes are here: their imports are done, and none begins before the others."""
    meeting = Path(f"{who}-ready")
    meeting.mkdir(exist_ok=True)
    (meeting / str(os.getpid())).touch()
    while len(list(meeting.iterdir())) < count:
        time.sleep(0.001)


async def bulk(client: Client, count: int, chunk: int) -> dict[str, Any]:
    """Many jobs per commit, if the library can; `native` tells whether it can."""
    put_many = getattr(client, "put_many", None)
    start = time.perf_counter()
    if put_many is None:
        for number in range(count):
            await _settled(client.put(number))
    else:
        for first in range(0, count, chunk):
            await _settled(put_many(list(range(first, min(count, first + chunk)))))
    return {"seconds": time.perf_counter() - start, "native": put_many is not None}


async def paced(client: Client, count: int, gap: float) -> dict[str, Any]:
    """One job at a time, with pauses; returns the moment at which each was committed."""
    await _settled(client.put(-1))
    await asyncio.sleep(0.5)
    committed = []
    for number in range(count):
        await _settled(client.put(number))
        committed.append(time.monotonic_ns())
        await asyncio.sleep(gap)
    return {"committed": committed}


def main(
    *,
    client: Callable[[], AbstractAsyncContextManager[Any]] | None = None,
    setup: Callable[[], Any] = lambda: None,
    worker: Callable[[], Any] = lambda: None,
    commands: Mapping[str, Callable[[], Any]] | None = None,
    runner: Callable[[Coroutine[Any, Any, Any]], Any] = asyncio.run,
) -> None:
    """Do what the command line says; `commands` are further commands, which return a result."""
    what, *arguments = sys.argv[1:]

    async def enqueue() -> dict[str, Any]:
        assert client is not None
        async with client() as opened:
            if what == "single":
                return await single(opened, int(arguments[0]), int(arguments[1]))
            if what == "bulk":
                return await bulk(opened, int(arguments[0]), int(arguments[1]))
            if what == "paced":
                return await paced(opened, int(arguments[0]), float(arguments[1]))
            raise SystemExit(f"unknown command {what!r}")

    if commands and what in commands:
        print(json.dumps(commands[what]()))
    elif what in ("setup", "worker"):
        if arguments:
            together("workers", int(arguments[0]))
        result = setup() if what == "setup" else worker()
        if inspect.iscoroutine(result):
            runner(result)
    else:
        print(json.dumps(runner(enqueue())))
