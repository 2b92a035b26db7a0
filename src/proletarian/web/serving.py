"""The dashboard as a program: how users log in, and the server that it runs in."""

from __future__ import annotations

import socket
from collections.abc import Callable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from starlette.types import ASGIApp

from proletarian.connections.database import Database
from proletarian.errors import ConfigurationError
from proletarian.queue import Queue
from proletarian.sql import finding
from proletarian.tasks import Tasks
from proletarian.web.access import Access
from proletarian.web.dashboard import Dashboard
from proletarian.web.desk import Desk
from proletarian.web.keys import OneTimeLinks, Passwords

GRACE = 2  # seconds that open streams get when the program ends


def is_local(host: str) -> bool:
    """
    Whether only programs on this machine can reach an address.

    >>> [is_local(host) for host in ("127.0.0.1", "::1", "localhost", "0.0.0.0", "ops.example.com")]
    [True, True, True, False, False]
    """
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def passwords_of(given: Sequence[str]) -> Mapping[str, str]:
    """
    Names and passwords, as they are given: `name:password`.

    >>> passwords_of(["ann:a:b"])
    {'ann': 'a:b'}
    """
    found = {}
    for text in given:
        name, colon, password = text.partition(":")
        if not (name and colon and password):
            raise ConfigurationError("--auth takes a name and a password separated by a colon, as in ann:s3cret")
        found[name] = password
    return found


def opened(host: str, port: int) -> socket.socket:
    """The listening socket; port 0 means any free port."""
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        sock = socket.socket(family, kind, protocol)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        sock.listen(128)  # so a browser that follows the link at once is not refused
    except OSError as error:
        raise ConfigurationError(f"{host}:{port} cannot be listened on: {error.strerror or error}") from error
    return sock


def serve(
    database: Database,
    tasks: Tasks | Queue | None,
    *,
    host: str,
    port: int,
    passwords: Mapping[str, str],
    insecure: bool,
    access: Access,
    trusted_origins: Sequence[str],
    at_most: float,
    say: Callable[[str], None],
    run: Callable[[ASGIApp, socket.socket], None] | None = None,
) -> None:
    """Serve the dashboard until the program is told to stop; raises `ConfigurationError` if anybody could get in."""
    if not (is_local(host) or passwords or insecure):
        raise ConfigurationError(
            f"anybody who can reach {host} could see and control your jobs: give --auth NAME:PASSWORD, or "
            f"--insecure-no-auth if a proxy in front of it authenticates users"
        )
    sock = opened(host, port)
    try:
        shown = f"[{host}]" if ":" in host else host
        address = f"http://{shown}:{sock.getsockname()[1]}/"
        given: dict[str, Any] = {"trusted_origins": trusted_origins, "at_most": at_most}
        app: ASGIApp
        Desk(database, at_most=at_most).look(finding.time(database.dialect, None))  # better said here than in a browser
        if passwords:
            doors = Passwords(passwords, access)
            app = doors.around(Dashboard(database, tasks, access=doors, **given))
            say(f"{address} (asks for a name and a password)")
            if not is_local(host):
                say("Passwords cross the network unencrypted: put TLS in front of it.")
        elif insecure:
            app = Dashboard(database, tasks, access=lambda request: access.by("somebody"), **given)
            say(f"{address} (open to anybody who can reach it)")
        else:
            name = f"proletarian_{sock.getsockname()[1]}"  # cookies do not distinguish ports
            links = OneTimeLinks(
                access, name=name, tell=lambda token: say(f"For another browser: {address}?token={token}")
            )
            app = links.around(Dashboard(database, tasks, access=links, **given))
            say(f"{address}?token={links.token}")
        (run or run_uvicorn)(app, sock)
    finally:
        sock.close()


def run_uvicorn(app: ASGIApp, sock: socket.socket) -> None:
    """Run until SIGINT or SIGTERM."""
    try:
        import uvicorn
    except ImportError as error:
        raise ConfigurationError(f"the dashboard needs {error.name}: pip install 'proletarian[web]'") from error
    config = uvicorn.Config(
        app, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE, server_header=False,
        proxy_headers=False,
    )  # fmt: skip
    uvicorn.Server(config).run([sock])
