"""A real mail server on loopback (aiosmtpd) that takes its time, refuses some mails at first, and counts."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from email import message_from_bytes
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from proletarian.demo.tasks import LOST

PAUSE = 0.03  # seconds before a mail is accepted, and again before the answer
REFUSES = 10  # for one in this many accounts, the first try is refused

TAKEN, REFUSED = "250 OK", "451 Try again later"


class PostOffice:
    """A mail server in a thread; use it in a `with` block."""

    def __init__(self) -> None:
        self.deliveries: Counter[str] = Counter()
        self.refused: set[str] = set()
        self.restarted_at: float | None = None  # when the first job came back whose worker had died
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="post office", daemon=True)
        self._server: asyncio.Server | None = None

    def __enter__(self) -> PostOffice:
        self._thread.start()
        self._server = self._call(self._open())
        return self

    def __exit__(self, *_: object) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _call(self, coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, self._loop).result()

    @property
    def address(self) -> str:
        """host:port."""
        assert self._server is not None  # noqa: S101 (opened by __enter__)
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"{host}:{port}"

    async def _open(self) -> asyncio.Server:
        return await self._loop.create_server(self._connection, "127.0.0.1", 0)

    def _connection(self) -> SMTP:
        return SMTP(self, hostname="localhost", loop=self._loop, data_size_limit=10_000)

    async def _close(self) -> None:
        assert self._server is not None  # noqa: S101 (opened by __enter__)
        self._server.close()

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Called by aiosmtpd with each mail; returns the answer."""
        content = envelope.content
        mail = message_from_bytes(content if isinstance(content, bytes) else b"")
        address = str(mail["To"])
        if mail[LOST] != "0" and self.restarted_at is None:
            self.restarted_at = time.monotonic()
        number = int("".join(letter for letter in address if letter.isdigit()))
        await asyncio.sleep(PAUSE)
        if number % REFUSES == 0 and address not in self.refused:
            self.refused.add(address)
            return REFUSED
        self.deliveries[address] += 1
        await asyncio.sleep(PAUSE)
        return TAKEN
