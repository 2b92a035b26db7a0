"""
Who may use a standalone dashboard: anybody with the printed link, or a password.

A link works once: it becomes a cookie of that browser, and another link is printed. Nothing is stored.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping

import anyio
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from proletarian.web.access import Access, Visitor

LASTS = 12 * 3600  # seconds for which a browser stays logged in
MOST_KNOWN = 1_000  # browsers
SLOW = 0.5  # seconds that a wrong password takes


class OneTimeLinks:
    """
    Lets in anybody who follows a printed link; each link works once.

    >>> links = OneTimeLinks(Access.admin, name="cookie", tell=print)
    >>> first = links.token
    >>> known = links.used(first)
    >>> links.used(first) is None, links.token != first
    (True, True)
    """

    def __init__(self, access: Access, *, name: str, tell: Callable[[str], None]) -> None:
        self.token = secrets.token_urlsafe(24)
        self.access = access
        self.name = name
        self._tell = tell
        self._known: dict[str, float] = {}

    def used(self, token: str) -> str | None:
        """The browser's new cookie; None if the token was already used, or never printed."""
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        self.token = secrets.token_urlsafe(24)
        while len(self._known) >= MOST_KNOWN:
            del self._known[next(iter(self._known))]
        known = secrets.token_urlsafe(32)
        self._known[_hashed(known)] = time.monotonic() + LASTS
        return known

    def __call__(self, request: Request) -> Visitor:
        """What a browser may do."""
        until = self._known.get(_hashed(request.cookies.get(self.name, "")), 0.0)
        return self.access.by("local") if time.monotonic() < until else Access.none.by("")

    def around(self, dashboard: ASGIApp) -> ASGIApp:
        """The dashboard behind a login by link."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                request = Request(scope, receive)
                token = request.query_params.get("token")
                if token is not None and request.method == "GET":
                    await (await self._come_in(token))(scope, receive, send)
                    return
                if self(request).access is Access.none and not scope["path"].startswith("/static/"):
                    await PlainTextResponse(
                        "Open this dashboard with the link that was printed when it was started; each link works "
                        "once.\n",
                        401, headers={"Cache-Control": "no-store"},
                    )(scope, receive, send)  # fmt: skip
                    return
            await dashboard(scope, receive, send)

        return app

    async def _come_in(self, token: str) -> Response:
        known = self.used(token)
        if known is None:
            await anyio.sleep(SLOW)
            return PlainTextResponse(
                "This link has been used, or belongs to another dashboard. The latest one was printed where this was "
                "started.\n",
                401, headers={"Cache-Control": "no-store"},
            )  # fmt: skip
        response = RedirectResponse("/", 303, headers={"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"})
        response.set_cookie(self.name, known, max_age=LASTS, httponly=True, samesite="lax")
        self._tell(self.token)
        return response


def _hashed(known: str) -> str:
    return hashlib.sha256(known.encode()).hexdigest()


class Passwords:
    """
    Lets in anybody who knows a name and its password (HTTP Basic).

    >>> doors = Passwords({"ann": "s3cret"}, Access.operate)
    >>> doors.visitor("Basic YW5uOnMzY3JldA==").name, doors.visitor("Basic YW5uOndyb25n").access
    ('ann', <Access.none: 0>)
    """

    def __init__(self, passwords: Mapping[str, str], access: Access) -> None:
        self._passwords = dict(passwords)
        self._access = access

    def visitor(self, authorization: str) -> Visitor:
        """The visitor of an Authorization header, if the password is right."""
        scheme, _, encoded = authorization.partition(" ")
        try:
            name, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except ValueError:
            name, password = "", ""
        expected = self._passwords.get(name, secrets.token_urlsafe(16))
        is_right = hmac.compare_digest(password.encode(), expected.encode())
        return self._access.by(name) if is_right and scheme.lower() == "basic" else Access.none.by("")

    async def __call__(self, request: Request) -> Visitor:
        """The same for a request."""
        return self.visitor(request.headers.get("authorization", ""))

    def around(self, dashboard: ASGIApp) -> ASGIApp:
        """The dashboard behind a login by password."""

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] == "http":
                given = Request(scope).headers.get("authorization")
                if given is None or self.visitor(given).access is Access.none:
                    if given is not None:
                        await anyio.sleep(SLOW)
                    headers = {"WWW-Authenticate": 'Basic realm="Proletarian", charset="UTF-8"'}
                    await PlainTextResponse("A name and a password are needed.\n", 401, headers)(scope, receive, send)
                    return
            await dashboard(scope, receive, send)

        return app
