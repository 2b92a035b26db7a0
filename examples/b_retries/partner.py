"""
The other side: a small, unreliable web service. `python -m examples.b_retries.partner`

/busy    answers 503 twice, with a Retry-After; then 200
/broken  always answers 500
/nobody  answers 404
"""

from __future__ import annotations

import os
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT = int(os.environ.get("PARTNER_PORT", "8713"))

asked: Counter[str] = Counter()


class Partner(BaseHTTPRequestHandler):
    """Answers according to the path."""

    def do_GET(self) -> None:
        """One request."""
        asked[self.path] += 1
        if self.path == "/busy" and asked[self.path] <= 2:
            self._answer(503, {"Retry-After": "1"})
        else:
            self._answer({"/busy": 200, "/broken": 500}.get(self.path, 404), {})

    def _answer(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Silent: the worker prints what happens."""


if __name__ == "__main__":
    print(f"listening on http://127.0.0.1:{PORT}", flush=True)
    try:
        ThreadingHTTPServer(("127.0.0.1", PORT), Partner).serve_forever()
    except KeyboardInterrupt:
        print("closed")
