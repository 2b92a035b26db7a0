"""
The dashboard inside an application that is not ASGI: takes a request of its framework, and returns an answer.

It runs in the framework's thread for the request, so the framework's own login, hooks and context apply to it. Pages
that are open poll, because a stream would hold that thread.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import Message, Scope

from proletarian.errors import ConfigurationError
from proletarian.web.access import Access, Visitor
from proletarian.web.dashboard import Dashboard, Given
from proletarian.web.fresh import BRIDGED

VISITOR = "proletarian.visitor"  # in the scope: who asks, as determined by the framework's own code


def told(request: Request) -> Given:
    """The `access` of a dashboard behind a bridge, which was determined before."""
    given: Given = request.scope.get(VISITOR, Access.none)
    return given


@dataclass
class Reply:
    """What to send back; `headers` may have several of one name."""

    status: int = 500
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""


def reply(
    dashboard: Dashboard,
    *,
    visitor: Access | Visitor,
    method: str,
    root: str,
    path: str,
    query: str,
    headers: Iterable[tuple[str, str]],
    body: bytes,
    scheme: str = "http",
) -> Reply:
    """Answer one request; `root` is where the dashboard is mounted, `path` what follows it."""
    scope: Scope = {
        "type": "http", "asgi": {"version": "3.0", "spec_version": "2.3"}, "http_version": "1.1", "method": method,
        "scheme": scheme, "path": root + path, "raw_path": (root + path).encode(), "root_path": root,
        "query_string": query.encode("latin-1", "replace"), "client": None, "server": None, "state": {},
        "headers": [(name.lower().encode("latin-1"), value.encode("latin-1", "replace")) for name, value in headers],
        VISITOR: visitor, BRIDGED: True,
    }  # fmt: skip
    answer = Reply()

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in message["headers"]]
        elif message["type"] == "http.response.body":
            answer.body += message.get("body", b"")

    asyncio.run(dashboard(scope, receive, send))
    return answer


def require_callable(access: object) -> None:
    """Raise `ConfigurationError` if `access` cannot be called."""
    if not callable(access):
        raise ConfigurationError(
            f"access is a function that returns Access.none, read, operate or admin, not {access!r}"
        )


def named(environ: Mapping[str, object]) -> list[tuple[str, str]]:
    """
    The headers of a WSGI request.

    >>> named({"HTTP_SEC_FETCH_SITE": "same-origin", "CONTENT_TYPE": "text/plain", "wsgi.url_scheme": "http"})
    [('sec-fetch-site', 'same-origin'), ('content-type', 'text/plain')]
    """
    found = []
    for key, value in environ.items():
        if key.startswith("HTTP_"):
            found.append((key[5:].lower().replace("_", "-"), str(value)))
        elif key in ("CONTENT_TYPE", "CONTENT_LENGTH") and value:
            found.append((key.lower().replace("_", "-"), str(value)))
    return found
