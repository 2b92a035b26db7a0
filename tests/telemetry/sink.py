"""Where Sentry would be: an HTTP server that keeps what it is sent."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sink:
    """What was sent: the items of envelopes, as (type, what it holds)."""

    def __init__(self, port: int) -> None:
        self.dsn = f"http://key@127.0.0.1:{port}/1"
        self.items: list[tuple[str, dict[str, Any]]] = []

    def keep(self, body: bytes) -> None:
        """Keep an envelope: a line about it, then for each item a line about it, and the item."""
        rest = body.partition(b"\n")[2]
        while rest.strip():
            line, _, rest = rest.partition(b"\n")
            about = json.loads(line)
            length = about.get("length")
            held, rest = (rest[:length], rest[length + 1 :]) if length is not None else rest.split(b"\n", 1)
            self.items.append((about["type"], json.loads(held)))

    @property
    def events(self) -> list[dict[str, Any]]:
        """The issues."""
        return [held for kind, held in self.items if kind == "event"]

    @property
    def check_ins(self) -> list[dict[str, Any]]:
        """Those of schedules."""
        return [held for kind, held in self.items if kind == "check_in"]


@contextmanager
def sink() -> Iterator[Sink]:
    """A sink at an unused port, for the time of a `with` block."""

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            kept.keep(gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, format: str, *args: object) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    kept = Sink(server.server_port)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield kept
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
