"""A dashboard that is served on this machine, asked over HTTP."""

from __future__ import annotations

import contextlib
import http.client
import threading
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from urllib.parse import urlencode

import uvicorn

from proletarian.web.serving import opened
from tests.waiting import wait_until

OURS = {"Sec-Fetch-Site": "same-origin"}  # what a browser says of a form of the same site


class Answer(NamedTuple):
    """What came back."""

    status: int
    headers: Mapping[str, str]
    text: str


class Site:
    """A web application that runs in a thread of this process."""

    def __init__(self, port: int, prefix: str = "") -> None:
        self.port = port
        self.address = f"http://127.0.0.1:{port}{prefix}"
        self._prefix = prefix

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: str | None = None) -> Answer:
        """One request; nothing is followed."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request(method, self._prefix + path, body, dict(headers or {}))
            response = connection.getresponse()
            named = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, named, response.read().decode())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Answer:
        """A page."""
        return self.ask("GET", path, headers)

    def post(self, path: str, form: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> Answer:
        """A form, as our own pages send it."""
        sent = {"Content-Type": "application/x-www-form-urlencoded", **(OURS if headers is None else headers)}
        return self.ask("POST", path, sent, urlencode(form))


@contextlib.contextmanager
def served(app: Any, prefix: str = "") -> Iterator[Site]:
    """An ASGI application, served for the time of a `with` block."""
    sock = opened("127.0.0.1", 0)
    config = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, args=([sock],), name="a site", daemon=True)
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive(), what="a server")
        yield Site(sock.getsockname()[1], prefix)
    finally:
        server.should_exit = True
        thread.join(10)
        sock.close()
