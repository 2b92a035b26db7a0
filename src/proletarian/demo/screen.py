"""What the audience sees: progress bars in a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

ACCOUNTS, MAILS = "accounts signed up", "mails delivered"
EVERY = 1.0  # seconds between plain lines


class Screen(Protocol):
    """Shows how far things are; use it in a `with` block."""

    def __enter__(self) -> Screen: ...

    def __exit__(self, *_: object) -> None: ...

    def say(self, text: str) -> None:
        """Show a message."""

    def show(self, accounts: int, mails: int) -> None:
        """Show the numbers of accounts and mails so far."""


class Lines(Screen):
    """For a file or a pipe."""

    def __init__(self) -> None:
        self._shown_at = 0.0

    def __enter__(self) -> Lines:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def say(self, text: str) -> None:
        """Print a line."""
        print(text, flush=True)  # noqa: T201 (the audience reads stdout)

    def show(self, accounts: int, mails: int) -> None:
        """Print a line each second."""
        if (now := time.monotonic()) - self._shown_at >= EVERY:
            self._shown_at = now
            self.say(f"  {accounts:>5,} {ACCOUNTS}, {mails:>5,} {MAILS}")


class Bars(Screen):
    """For a terminal, with rich."""

    def __init__(self, accounts: int, mails: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._progress = Progress(
            TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
        )
        self._accounts: Any = self._progress.add_task(ACCOUNTS, total=accounts)
        self._mails: Any = self._progress.add_task(MAILS, total=mails)

    def __enter__(self) -> Bars:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def say(self, text: str) -> None:
        """Print a line above the bars."""
        self._progress.console.print(text, highlight=False, markup=False)

    def show(self, accounts: int, mails: int) -> None:
        """Move the bars."""
        self._progress.update(self._accounts, completed=accounts)
        self._progress.update(self._mails, completed=mails)


def screen_for(accounts: int, mails: int) -> Screen:
    """Bars if there is a terminal to draw them, otherwise lines."""
    return Bars(accounts, mails) if sys.stdout.isatty() else Lines()
