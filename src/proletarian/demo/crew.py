"""The workers of the demo: processes that run `proletarian worker`."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from proletarian.demo.tasks import FOLDER
from proletarian.errors import ProletarianError

STOP_WITHIN = 20.0  # seconds


class Crewman:
    """One worker process, which runs the tasks at `target`; its log goes to a file in `folder`."""

    def __init__(
        self, number: int, *, database: str, folder: Path, target: str, queues: Mapping[str, int],
        log_level: str = "warning", **variables: str,
    ) -> None:  # fmt: skip
        self.log = folder / f"worker-{number}.log"
        self.killed = False
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PROLETARIAN_")}
        environment |= {"PROLETARIAN_DATABASE": database, FOLDER: str(folder), **variables}
        served = ",".join(f"{name}={slots}" for name, slots in queues.items())
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 (our own program)
                [sys.executable, "-P", "-m", "proletarian", "worker", target, "--queue", served,
                 "--log-level", log_level, "--app-dir", str(folder)],
                env=environment, stdin=subprocess.PIPE, stdout=log, stderr=log,
            )  # fmt: skip

    def check(self) -> None:
        """Raise an error with the end of its log if it has ended by itself."""
        if not self.killed and self.process.poll() is not None:
            said = self.log.read_text(errors="replace").strip()[-2000:]
            raise ProletarianError(f"worker {self.process.pid} ended with {self.process.returncode}: {said}")

    def kill(self) -> None:
        """SIGKILL: it cannot say goodbye."""
        self.killed = True
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        """Stop it as a supervisor would, and kill it if it does not stop."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_WITHIN)
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        if self.process.stdin is not None:
            self.process.stdin.close()  # open until now, because a worker stops when its stdin ends
