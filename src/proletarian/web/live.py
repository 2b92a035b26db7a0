"""
Pages that stay fresh while they are open: however many there are, the database is asked once a second.

A view is what several tabs have in common: an address, for a level of access. Each second, one of the open views is
refreshed, in turn, and the tabs that show it are sent the result. Under WSGI, where a stream would hold a thread for
each tab, tabs poll, and get the latest result.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import NamedTuple

from proletarian.untraced import untraced
from proletarian.web.access import Access

TURN = 1.0  # seconds between looks
LASTS = 30.0  # seconds until a stream ends; its tab reconnects, and access is checked again
ALIVE = 15.0  # seconds without news after which something is sent, so that a proxy keeps the stream
MOST_KEPT = 200  # views that are remembered


class View(NamedTuple):
    """What is shown: where the dashboard is mounted, an address within it, and for whom."""

    root: str
    address: str
    access: Access


class Seen(NamedTuple):
    """The result of a look: a part of a page, or why there is none."""

    html: str
    trouble: str = ""


Look = Callable[[View], Seen]


class Glimpses:
    """The latest look at each view; at most one new look a second, whatever the view. Thread-safe."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._lock = threading.Lock()
        self._seen: dict[View, Seen] = {}
        self._looked_at = -TURN

    def of(self, view: View) -> Seen:
        """A fresh look, or the latest one if the database was asked within the last second."""
        with self._lock:
            known = self._seen.pop(view, None)
            if known is None or time.monotonic() - self._looked_at >= TURN:
                self._looked_at = time.monotonic()
                known = self._look(view)
            self._seen[view] = known
            while len(self._seen) > MOST_KEPT:
                del self._seen[next(iter(self._seen))]
            return known


@dataclass
class Showing:
    """A view that is open in some tabs."""

    tabs: int = 0
    number: int = 0  # counts the results
    seen: Seen | None = None
    news: asyncio.Condition = field(default_factory=asyncio.Condition)


class Hub:
    """Streams of updates for one event loop: a task looks as long as somebody listens."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._showing: dict[View, Showing] = {}
        self._task: asyncio.Task[None] | None = None

    async def stream(self, view: View, *, lasts: float = LASTS) -> AsyncIterator[str]:
        """Server-sent events: a part of a page whenever it has changed, or an event `trouble`."""
        showing = self._showing.setdefault(view, Showing())
        showing.tabs += 1
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._turn())
        ends, number = time.monotonic() + lasts, 0
        try:
            yield "retry: 1000\n\n"
            while (left := ends - time.monotonic()) > 0:
                try:
                    async with asyncio.timeout(min(ALIVE, left)), showing.news:
                        await showing.news.wait_for(lambda: showing.number != number)  # noqa: B023 (asked at once)
                except TimeoutError:
                    yield ": still here\n\n"
                    continue
                number = showing.number
                if showing.seen is not None:
                    yield event(showing.seen)
        finally:
            showing.tabs -= 1
            if not showing.tabs:
                self._showing.pop(view, None)

    async def _turn(self) -> None:
        while self._showing:
            view = next(iter(self._showing))
            showing = self._showing.pop(view)
            self._showing[view] = showing  # the next time, after all others
            began = time.monotonic()
            with untraced():  # it belongs to no request
                seen = await asyncio.to_thread(self._look, view)
            if seen != showing.seen:
                async with showing.news:
                    showing.seen, showing.number = seen, showing.number + 1
                    showing.news.notify_all()
            await asyncio.sleep(max(0.0, TURN - (time.monotonic() - began)))


def event(seen: Seen) -> str:
    """
    What was seen, as an event.

    >>> event(Seen("<p>\\n</p>")), event(Seen("", "the database is away"))
    ('data: <p>\\ndata: </p>\\n\\n', 'event: trouble\\ndata: the database is away\\n\\n')
    """
    name, text = ("event: trouble\n", seen.trouble) if seen.trouble else ("", seen.html)
    return name + "".join(f"data: {line}\n" for line in text.splitlines() or [""]) + "\n"
