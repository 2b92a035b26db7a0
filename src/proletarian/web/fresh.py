"""How open pages stay fresh, by a stream or by polling, and what they are sent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from urllib.parse import parse_qsl, urlsplit
from weakref import WeakKeyDictionary

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse

from proletarian.errors import ProletarianError
from proletarian.web.access import Visitor
from proletarian.web.asking import Ask, Refused
from proletarian.web.live import Glimpses, Hub, Seen, View
from proletarian.web.rendering import Pages
from proletarian.web.routes import PAGES
from proletarian.web.troubles import words_of

logger = logging.getLogger("proletarian.web")

BRIDGED = "proletarian.wsgi"  # in the scope of a request that came over a bridge

AskFor = Callable[[Visitor, str, str, dict[str, str]], Ask]  # who, where it is mounted, the path, the query


class Fresh:
    """The parts of open pages that change, for one dashboard; `ask_for` says what a view asks."""

    def __init__(self, pages: Pages, ask_for: AskFor, *, live: bool) -> None:
        self._pages = pages
        self._ask_for = ask_for
        self._live = live
        self._glimpses = Glimpses(self._glimpse)
        self.hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()

    def way(self, request: Request) -> str:
        """How a page is kept fresh: a stream; on a WSGI server polling, because a stream would hold a thread."""
        if not self._live:
            return ""
        return "poll" if "wsgi_environ" in request.scope or BRIDGED in request.scope else "stream"

    async def answer(self, request: Request, ask: Ask) -> Response:
        """The updates of the requested page: once, or as a stream."""
        of = urlsplit(ask.query.get("of", "/"))
        if of.path not in PAGES or not self._live:
            return Response("there is no live page with this name", 404)
        view = View(ask.root, f"{of.path}?{of.query}", ask.visitor.access)
        if "once" in ask.query or self.way(request) == "poll":
            seen = await run_in_threadpool(self._glimpses.of, view)
            return Response(seen.trouble, 503) if seen.trouble else HTMLResponse(seen.html)
        hub = self.hubs.setdefault(asyncio.get_running_loop(), Hub(self._glimpse))

        async def stream() -> AsyncIterator[str]:
            async for text in hub.stream(view):
                yield text

        return StreamingResponse(stream(), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})

    def _glimpse(self, view: View) -> Seen:
        """The part of a page that changes, as anybody with this access sees it."""
        of = urlsplit(view.address)
        ask = self._ask_for(Visitor(view.access), view.root, of.path, dict(parse_qsl(of.query)))
        try:
            return Seen(self._pages.part(ask, PAGES[of.path](ask)))
        except (ProletarianError, Refused) as error:
            return Seen("", words_of(error))
        except Exception:
            logger.exception("a page could not be refreshed: %s", view.address)
            return Seen("", "the page could not be refreshed; the dashboard's log says why")
