"""Real work: a millisecond of computing, or a call to a server that takes five."""

from __future__ import annotations

import asyncio
import http.client
import threading

from benchmarks.programs.contestant import OPTIONS

_own = threading.local()
_free: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []


def compute() -> int:
    """Pure Python, holding the interpreter's lock; the number of iterations is the same for all contestants."""
    total = 0
    for number in range(OPTIONS["iterations"]):
        total += number & 7
    return total


def fetch() -> None:
    """A GET on a connection that is kept open, one for each thread."""
    connection = getattr(_own, "connection", None)
    if connection is None:
        connection = _own.connection = http.client.HTTPConnection("127.0.0.1", OPTIONS["port"])
    connection.request("GET", "/")
    connection.getresponse().read()


async def afetch() -> None:
    """The same without a thread, on one of the free connections."""
    reader, writer = _free.pop() if _free else await asyncio.open_connection("127.0.0.1", OPTIONS["port"])
    writer.write(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    await reader.readuntil(b"\r\n\r\n")
    await reader.readexactly(2)
    _free.append((reader, writer))
