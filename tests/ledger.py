"""What happened, in a file that several processes write to and the test reads."""

from __future__ import annotations

import json
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_until


@dataclass(frozen=True)
class Entry:
    """Something that happened: what, in which process, when, and what was known."""

    what: str
    pid: int
    at: float
    known: dict[str, Any]

    def __getitem__(self, name: str) -> Any:
        return self.known[name]


def whole(line: str) -> Entry | None:
    """The entry of a line; None if it is cut short, for its writer is still at it, or was killed at it."""
    return Entry(*json.loads(line)) if line.endswith("]") else None


@dataclass(frozen=True)
class Ledger:
    """A file with one line of JSON for each entry."""

    path: Path

    def write(self, what: str, **known: Any) -> None:
        """Add an entry; a write this small is never mixed with another one."""
        line = json.dumps([what, os.getpid(), time.time(), known], default=repr)
        file = os.open(self.path, os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o666)
        try:
            os.write(file, f"\n{line}\n".encode())
        finally:
            os.close(file)

    def entries(self, what: str | None = None, *, pid: int | None = None, **known: Any) -> list[Entry]:
        """What happened so far, of this kind."""
        if not self.path.exists():
            return []
        return [
            entry
            for line in self.path.read_text().splitlines()
            if (entry := whole(line)) is not None
            and what in (None, entry.what)
            and pid in (None, entry.pid)
            and known.items() <= entry.known.items()
        ]

    def wait_for(
        self, what: str, seconds: float = 60.0, *, count: int = 1, pid: int | None = None, **known: Any
    ) -> Entry:
        """The `count`th entry of this kind, once it is there."""

        def last() -> Entry | None:
            found = self.entries(what, pid=pid, **known)
            return found[count - 1] if len(found) >= count else None

        found = wait_until(last, seconds, what=f"{count} × {what} {known or ''} in {self.path}")
        assert found is not None
        return found
