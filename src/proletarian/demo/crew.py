"""The workers of the demo: processes that run `proletarian worker`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

from proletarian.demo.tasks import MAIL_SERVER, QUEUE
from proletarian.errors import ProletarianError

SLOTS = 10
STOP_WITHIN = 20.0  # seconds


class Crewman:
    """One worker process; its log goes to a file in `folder`."""

    def __init__(self, number: int, *, database: str, mail_server: str, folder: Path) -> None:
        self.log = folder / f"worker-{number}.log"
        self.killed = False
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROLETARIAN_")}
        environment |= {"PROLETARIAN_DATABASE": database, MAIL_SERVER: mail_server}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-P", "-m", "proletarian", "worker", "proletarian.demo.tasks:tasks",
                 "--queue", f"{QUEUE}={SLOTS}", "--log-level", "warning", "--app-dir", str(folder)],
                env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def check(self) -> None:
        """Raise, with the end of its log, if it has ended by itself."""
        if not self.killed and self.process.poll() is not None:
            said = self.log.read_text(errors="replace").strip()[-2000:]
            raise ProletarianError(f"worker {self.process.pid} ended with {self.process.returncode}: {said}")

    def kill(self) -> None:
        """SIGKILL: it cannot say goodbye."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Stop it as a supervisor would, and make sure."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_WITHIN)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
