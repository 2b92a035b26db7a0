"""For development: which source files have changed, from watchfiles if it is installed, otherwise by polling."""

from __future__ import annotations

import logging
import os
import queue
import threading
import time
from collections.abc import Collection, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

EVERY = 1.0  # seconds between looks, without watchfiles
PASSED_OVER = ("__pycache__", "node_modules", "site-packages")


def changes_in(folders: Sequence[str]) -> Told | Seen:
    """Returns a callable that says which files have changed."""
    return Told(folders) if find_spec("watchfiles") else Seen(folders)


class Seen:
    """Looks at the modification times of all source files, once a second."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = folders
        self._known = dict(self._times())
        self._next = time.monotonic() + EVERY

    def __call__(self) -> Collection[str]:
        """The files that are new, gone or different since the last look."""
        if time.monotonic() < self._next:
            return ()
        before, self._known = self._known, dict(self._times())
        self._next = time.monotonic() + EVERY
        return {path for path, _ in before.items() ^ self._known.items()}

    def _times(self) -> Iterator[tuple[str, int]]:
        for folder in self._folders:
            for path, folders, files in os.walk(folder):
                folders[:] = [name for name in folders if is_ours(path, name)]
                for name in files:
                    if name.endswith(".py"):
                        full = os.path.join(path, name)
                        try:
                            yield full, os.stat(full).st_mtime_ns
                        except OSError:  # gone in the meantime
                            continue


class Told:
    """Has the operating system report changes, through watchfiles; polls if it cannot (too many folders)."""

    def __init__(self, folders: Sequence[str]) -> None:
        self._folders = [os.path.abspath(folder) for folder in folders]
        self._told: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._instead: Seen | None = None
        threading.Thread(target=self._listen, name="proletarian-reload", daemon=True).start()

    def __call__(self) -> Collection[str]:
        """The files that have changed since the last call."""
        if self._instead is not None:
            return self._instead()
        found = set()
        while not self._told.empty():
            found.add(self._told.get())
        return found

    def _listen(self) -> None:
        from watchfiles import PythonFilter, watch

        try:
            for changes in watch(*self._folders, watch_filter=PythonFilter(), raise_interrupt=False):
                for _, path in changes:
                    if not self._is_foreign(path):
                        self._told.put(path)
        except Exception as error:  # noqa: BLE001 (what it raises depends on the operating system)
            logging.getLogger("proletarian.worker").warning(
                "watchfiles cannot watch %s, so source files are looked at every second: %s",
                ", ".join(self._folders), error,
            )  # fmt: skip
            self._instead = Seen(self._folders)

    def _is_foreign(self, path: str) -> bool:
        """Whether it is in a virtual environment or a cache within the folders."""
        for folder in Path(os.path.abspath(path)).parents:
            if str(folder) in self._folders:
                return False
            if not is_ours(str(folder.parent), folder.name):
                return True
        return False


def is_ours(folder: str, name: str) -> bool:
    """Whether a folder may hold the application's source: it is no cache, not hidden, and no virtual environment."""
    if name.startswith(".") or name in PASSED_OVER:
        return False
    return not os.path.exists(os.path.join(folder, name, "pyvenv.cfg"))
