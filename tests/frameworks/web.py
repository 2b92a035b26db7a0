"""Asking a web application over HTTP."""

from __future__ import annotations

import json
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from tests.cli.terminal import Program
from tests.waiting import wait_until

LONGEST = 60.0  # seconds until an application answers


class Web:
    """A web application on this machine."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"

    def ask(self, method: str, path: str, sent: Any = None) -> tuple[int, str]:
        """The status and the text of an answer."""
        request = Request(
            self.address + path,
            method=method,
            data=None if sent is None else json.dumps(sent).encode(),
            headers={"Content-Type": "application/json"},
        )
        try:
            with urlopen(request, timeout=LONGEST) as answer:
                return answer.status, answer.read().decode()
        except HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode()

    def get(self, path: str) -> Any:
        """The JSON of a page."""
        status, text = self.ask("GET", path)
        assert status == 200, text
        return json.loads(text)

    def wait_for(self, path: str, server: Program) -> None:
        """Until the application answers; an error if it ends without."""

        def answers() -> bool:
            assert server.process.poll() is None, f"it ended with {server.process.poll()}: {server.text}"
            try:
                self.ask("GET", path)
            except OSError:
                return False
            return True

        wait_until(answers, LONGEST, what=f"an answer of {self.address}{path}")
