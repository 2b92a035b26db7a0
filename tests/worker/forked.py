"""
Worker processes that begin with everything imported: forks of one process that has done it, and does nothing else.

Python takes 0.4 s of computing to start and to import the library, and tests start a thousand workers. From its first
line on such a worker is like any other: a process of its own, with one thread, and no connection but those it opens.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
from multiprocessing import get_context
from pathlib import Path

forks = get_context("forkserver")
forks.set_forkserver_preload(["tests.worker.program", "tests.faults.member"])


class Forked:
    """One of them, as `subprocess.Popen` would show it."""

    def __init__(self, program: str, arguments: list[str], folder: Path, said: Path) -> None:
        self._process = forks.Process(target=run, args=(program, arguments, folder, said))
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Its exit code, if it has ended."""
        return self._process.exitcode

    def wait(self, seconds: float | None = None) -> int:
        """Its exit code, once it has ended."""
        self._process.join(seconds)
        assert self._process.exitcode is not None, f"worker {self.pid} has not ended in {seconds} s"
        return self._process.exitcode

    def send_signal(self, number: signal.Signals) -> None:
        """Nothing happens to one that has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):  # ended since: its parent is another, and has heard of it
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def run(program: str, arguments: list[str], folder: Path, said: Path) -> None:
    """What `python -m program` would do, in that folder."""
    os.chdir(folder)
    output = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.close(output)
    sys.argv = [program, *arguments]
    importlib.import_module(program).main()
