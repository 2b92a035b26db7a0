"""The answers of `proletarian worker --health` to probes."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from proletarian.cli.failures import wrong_usage
from proletarian.cli.health import host_and_port
from proletarian.worker.health import Health


@contextlib.contextmanager
def answering(address: str, look: Callable[[], Health | None], beyond: int = 0) -> Iterator[None]:
    """
    Answer probes at HOST:PORT while the block lasts: `/live` and `/ready`, with 200 or 503, and the parts as JSON.

    `beyond` is added to the port, for one of several processes that share an address. Raises `Failure` if the address
    cannot be used.
    """

    class Probe(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen = look()
            live, ready = (True, False) if seen is None else (seen.is_live, seen.is_ready)
            asked = {"/live": live, "/ready": ready}.get(self.path)
            said = {"live": live, "ready": ready, "parts": dict(seen.parts) if seen else {"worker": "is not started"}}
            self.send_response(404 if asked is None else 200 if asked else 503)
            self.send_header("Content-Type", "application/json")
            self.end_headers()
            self.wfile.write(json.dumps(said).encode())

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing: probes come every few seconds."""

    host, port = host_and_port(address)
    try:
        server = ThreadingHTTPServer((host, port + beyond), Probe)
    except OSError as error:
        raise wrong_usage(f"--health {address}: {error.strerror or error}") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="proletarian health", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
