"""Workers in processes of their own, which can be killed, frozen and told to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from tests.databases import PrivateDatabase
from tests.ledger import Ledger
from tests.worker.forked import Forked

ROOT = Path(__file__).parents[2]


class WorkerProcess:
    """One of them."""

    def __init__(self, process: subprocess.Popen[bytes] | Forked, ledger: Ledger, said: Path) -> None:
        self._ledger = ledger
        self._said = said
        self.process = process
        self.pid = process.pid

    def wait_until_started(self) -> WorkerProcess:
        """Wait until it is registered and claims."""
        self._ledger.wait_for("worker.started", pid=self.pid)
        return self

    def kill(self) -> float:
        """SIGKILL; gives the time of its death."""
        self.process.kill()
        died = time.time()
        self.process.wait()
        return died

    def freeze(self) -> None:
        """SIGSTOP: nothing of it runs, and all its connections stay open."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """SIGCONT."""
        self.process.send_signal(signal.SIGCONT)

    def tell(self, number: signal.Signals = signal.SIGTERM) -> None:
        """Ask it to stop."""
        self.process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)

    def said(self) -> str:
        """What it wrote to its terminal."""
        return self._said.read_text()

    def end(self) -> None:
        """End it in any case."""
        if self.process.poll() is None:
            self.thaw()
            self.process.kill()
        self.process.wait()


class Fleet:
    """All worker processes of one test, and the ledger that they write to."""

    def __init__(self, folder: Path, program: str = "tests.worker.program", *, forked: bool = True) -> None:
        """`forked` spares the start of an interpreter: not for tests of what belongs to it, such as its end."""
        self.folder = folder
        self.program = program
        self.forked = forked
        self.ledger = Ledger(folder / "ledger")
        self.workers: list[WorkerProcess] = []

    def start(
        self, database: PrivateDatabase, *, wait: bool = True, release: Path | None = None, **options: Any
    ) -> WorkerProcess:
        """One more worker; `options` are those of `Worker`, as JSON has them, `release` where another release lies."""
        arguments = [database.url, str(self.ledger.path), json.dumps(options)]
        said = self.folder / f"worker-{len(self.workers)}"
        said.touch()  # a fork that is killed at once has not opened it
        if self.forked and release is None:
            process: subprocess.Popen[bytes] | Forked = Forked(self.program, arguments, ROOT, said)
        else:
            command = [sys.executable, "-m", self.program, *arguments]
            environment = os.environ | ({"PYTHONPATH": str(release)} if release else {})
            with said.open("wb") as output:
                process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=output)
        self.workers.append(WorkerProcess(process, self.ledger, said))
        return self.workers[-1].wait_until_started() if wait else self.workers[-1]

    def look_around(self) -> None:
        """Let the workers see each other once: only a lock that was seen held can be missed later."""
        time.sleep(1.0)

    def keep_up(self, crew: list[WorkerProcess], database: PrivateDatabase, **options: Any) -> int:
        """What a supervisor does: start another one for each that has ended; gives how many had."""
        ended = [n for n, worker in enumerate(crew) if worker.process.poll() is not None]
        for n in ended:
            crew[n] = self.start(database, wait=False, **options)
        return len(ended)

    def end(self) -> None:
        """End all; what they said is shown with a test that has failed."""
        for worker in self.workers:
            worker.end()
            if said := worker.said():
                print(f"worker {worker.pid} said:\n{said}")
