"""The dashboard as an ASGI application: who asks for what, and what they get."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Collection
from dataclasses import replace
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.types import Receive, Scope, Send

from proletarian.connections.database import Database
from proletarian.errors import ConfigurationError, ProletarianError
from proletarian.queue import Queue
from proletarian.tasks import Tasks
from proletarian.web import guard
from proletarian.web.access import Access, Visitor, visitor_of
from proletarian.web.asking import Ask, Done, Refused, Shown
from proletarian.web.desk import Desk
from proletarian.web.files import FOLDER, Files
from proletarian.web.forms import form_of, way_back
from proletarian.web.fresh import Fresh
from proletarian.web.rendering import THEMES, Pages
from proletarian.web.routes import ACTIONS, API, PAGES
from proletarian.web.troubles import Trouble, as_json, status_of, words_of

Given = Access | Visitor
Who = Callable[[Request], Given | Awaitable[Given]]

THEME, SAID = "proletarian_theme", "proletarian_said"  # cookies


class Dashboard:
    """
    Inspect and control jobs in a browser: an ASGI application to mount in yours.

    `where` is where the jobs are: a URL, an SQLAlchemy Engine, `django://alias`. `tasks` are those of your
    application (a `Tasks`, or its `Queue`): how tables are named, how payloads are read, whose schedules are meant.

    `access` is required: a function of the request that returns what its user may do: `Access.none`, `read`, `operate`
    or `admin`, with a name for the audit: `Access.operate.by("ann")`. It may be a coroutine function.

    `trusted_origins` are the origins of proxies that use another host name, as in `https://ops.example.com`.
    `live=False` turns off updates of open pages. A statement that reads is cancelled after `at_most` seconds.
    Raises `ConfigurationError` if `access` is not callable, or `where` is not valid.

    >>> from proletarian.web import Access, Dashboard
    >>> Dashboard("sqlite:///jobs.db", access=lambda request: Access.read.by("ann"))
    <Dashboard sqlite:///jobs.db>
    """

    def __init__(
        self,
        where: Any,
        tasks: Tasks | Queue | None = None,
        *,
        access: Who,
        trusted_origins: Collection[str] = (),
        live: bool = True,
        at_most: float = 5.0,
        title: str = "Proletarian",
    ) -> None:
        if not callable(access):
            raise ConfigurationError(
                f"access is a function of the request that returns Access.none, read, operate or admin, not {access!r}"
            )
        if isinstance(trusted_origins, str) or not all(urlsplit(origin).netloc for origin in trusted_origins):
            raise ConfigurationError(
                f"trusted_origins takes origins such as ['https://ops.example.com'], not {trusted_origins!r}"
            )
        queue = tasks.queue if isinstance(tasks, Tasks) else tasks
        self.database = where if isinstance(where, Database) else Database(where, queue)
        self.desk = Desk(self.database, at_most=at_most)
        self._app = tasks.app if isinstance(tasks, Tasks) else ""
        self._access = access
        self._trusted = frozenset(trusted_origins)
        self.files = Files()
        self._pages = Pages(title, self.files.version)
        self.fresh = Fresh(self._pages, self._asked, live=live)

    def __repr__(self) -> str:
        return repr(self.database).replace("Database", "Dashboard", 1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request: the ASGI interface."""
        if scope["type"] == "lifespan":
            await self._live_and_end(receive, send)
        elif scope["type"] == "http":
            request = Request(scope, receive)
            try:
                response = await self._answer(request)
            except ClientDisconnect:
                return
            for name, value in guard.HEADERS.items():
                response.headers[name] = value
            response.headers.setdefault("Cache-Control", "no-store")
            await response(scope, receive, send)
        else:
            await send({"type": "websocket.close", "code": 1000})

    async def _live_and_end(self, receive: Receive, send: Send) -> None:
        """Startup and shutdown, if the dashboard is the whole application; a mounted one is not told."""
        while True:
            message = await receive()
            if message["type"] == "lifespan.startup":
                await send({"type": "lifespan.startup.complete"})
            else:
                await run_in_threadpool(self.desk.close)
                await send({"type": "lifespan.shutdown.complete"})
                return

    async def _answer(self, request: Request) -> Response:
        path = path_of(request.scope)
        if path.startswith(FOLDER):
            return self.files.answer(request, path)
        if why := guard.refusal(request.method, request.headers, self._trusted):
            return self._told(request, Refused(f"This request is refused: {why}.", 403))
        visitor = await self._visitor(request)
        if visitor.access < Access.read:
            return self._told(request, Refused("You have no access to this dashboard.", 403))
        ask = self._asked(visitor, request.scope.get("root_path", "").rstrip("/"), path, dict(request.query_params))
        if request.method == "POST":
            return await self._sent(request, ask)
        if request.method not in guard.SAFE:
            return Response("only GET and POST are answered here", 405, {"Allow": "GET, HEAD, POST"})
        if path == "/live":
            return await self.fresh.answer(request, ask)
        if path in API:
            return await run_in_threadpool(self._told_as_json, API[path], ask)
        if path not in PAGES:
            return self._told(request, Refused("There is no such page."), ask)
        return await run_in_threadpool(self._page, request, ask, PAGES[path])

    async def _visitor(self, request: Request) -> Visitor:
        if inspect.iscoroutinefunction(self._access):
            return visitor_of(await self._access(request))
        given = await run_in_threadpool(self._access, request)  # it may ask a database
        return visitor_of(await given if inspect.isawaitable(given) else given)

    def _asked(self, visitor: Visitor, root: str, path: str, query: dict[str, str]) -> Ask:
        return Ask(self.desk, visitor, root, path, self._app, query)

    # Pages.

    def _page(self, request: Request, ask: Ask, page: Callable[[Ask], Shown]) -> Response:
        try:
            shown = page(ask)
        except (ProletarianError, Refused) as error:
            return self._told(request, error, ask)
        return self._shown(request, ask, shown)

    def _shown(self, request: Request, ask: Ask, shown: Shown) -> Response:
        said = unquote(request.cookies.get(SAID, ""))
        text = self._pages.whole(ask, shown, theme=theme_of(request), said=said, live=self.fresh.way(request))
        response = HTMLResponse(text, shown.status)
        if said:
            response.delete_cookie(SAID, path=ask.root or "/")
        return response

    def _told(self, request: Request, trouble: Trouble, ask: Ask | None = None) -> Response:
        """What went wrong, as a page; users without access see nothing of ours."""
        if ask is None:
            return Response(words_of(trouble), status_of(trouble))
        kind, again = type(trouble).__name__, request.method in guard.SAFE
        values = {"error": words_of(trouble), "kind": kind, "again": again}
        return self._shown(request, ask, Shown("trouble.html", values, status_of(trouble)))

    def _told_as_json(self, answer: Callable[[Ask], bytes], ask: Ask) -> Response:
        try:
            return Response(answer(ask), media_type="application/json")
        except (ProletarianError, Refused) as error:
            return Response(as_json(error), status_of(error), media_type="application/json")

    # Forms.

    async def _sent(self, request: Request, ask: Ask) -> Response:
        """Carry out a form, and send the browser to a page."""
        try:
            form = await form_of(request)
        except Refused as error:
            return self._told(request, error, ask)
        if ask.path == "/theme":
            return self._themed(request, ask, form)
        if ask.path not in ACTIONS:
            return self._told(request, Refused("There is no such action."), ask)
        needed, action = ACTIONS[ask.path]
        if ask.visitor.access < needed:
            return self._told(request, Refused(f"This needs the access level '{needed.name}'; yours is "
                                               f"'{ask.visitor.access.name}'.", 403), ask)  # fmt: skip
        return await run_in_threadpool(self._acted, request, replace(ask, form=form), action)

    def _acted(self, request: Request, ask: Ask, action: Callable[[Ask], Done | Shown]) -> Response:
        try:
            done = action(ask)
        except (ProletarianError, Refused) as error:
            return self._told(request, error, ask)
        if isinstance(done, Shown):
            return self._shown(request, ask, done)
        response = RedirectResponse(done.to, 303)
        said = quote(done.said[:500])
        response.set_cookie(SAID, said, max_age=30, path=ask.root or "/", httponly=True, samesite="strict")
        return response

    def _themed(self, request: Request, ask: Ask, form: dict[str, str]) -> Response:
        response = RedirectResponse(ask.root + way_back(form.get("back", "/")), 303)
        if (theme := form.get("theme", "")) in THEMES:
            response.set_cookie(THEME, theme, max_age=365 * 86400, path=ask.root or "/", httponly=True, samesite="lax")
        return response


def path_of(scope: Scope) -> str:
    """The path within the dashboard, wherever it is mounted."""
    root, path = scope.get("root_path", "").rstrip("/"), scope["path"]
    return (path.removeprefix(root) if path == root or path.startswith(f"{root}/") else path) or "/"


def theme_of(request: Request) -> str:
    """The theme that somebody has chosen."""
    theme = request.cookies.get(THEME, "system")
    return theme if theme in THEMES else "system"
