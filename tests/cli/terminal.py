"""A terminal: commands as a person types them, and what they print, stdout and stderr together."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
LONGEST = 60.0  # seconds that a command may take


@dataclass(frozen=True)
class Said:
    """What a command said, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """All of it."""
        return self.out + self.err


class Program:
    """A command that is running."""

    def __init__(self, process: subprocess.Popen[bytes], screen: Path) -> None:
        self.process = process
        self._screen = screen

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self._screen.read_text()

    def wait_for(self, text: str, seconds: float = LONGEST) -> None:
        """Until it has printed this; an error if it ends without."""
        wait_until(
            lambda: text in self.text or self.process.poll() is not None, seconds, what=f"{text!r} from a program"
        )
        assert text in self.text, f"it ended with {self.process.poll()} and without {text!r}: {self.text}"

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def ends(self, seconds: float = LONGEST) -> int:
        """Its exit code, once it has ended."""
        return self.process.wait(seconds)


class Terminal:
    """Runs commands in one folder with one environment; ends what is left running."""

    def __init__(self, folder: Path, environment: Mapping[str, str], *, screens: Path) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith("PROLETARIAN_")}
        programs = f"{Path(sys.executable).parent}{os.pathsep}{kept.get('PATH', '')}"
        self.environment = {**kept, "PATH": programs, **environment}
        self._screens = screens
        self._programs: list[Program] = []

    def run(self, command: str, *, stdin: str = "", **environment: str) -> Said:
        """Run a command to its end."""
        done = subprocess.run(
            shlex.split(command),
            cwd=self.folder,
            env={**self.environment, **environment},
            input=stdin,
            capture_output=True,
            text=True,
            timeout=LONGEST,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, command: str, **environment: str) -> Program:
        """Start a command that goes on until it is told to stop."""
        screen = self._screens / f"screen-{len(self._programs) + 1}"
        with screen.open("wb") as out:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=self.folder,
                env={**self.environment, **environment},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._programs.append(Program(process, screen))
        return self._programs[-1]

    def close(self) -> None:
        """End what is still running."""
        for program in self._programs:
            if program.process.poll() is None:
                program.process.kill()
            program.process.wait()


@contextlib.contextmanager
def terminal(folder: Path, screens: Path, **environment: str) -> Iterator[Terminal]:
    """A terminal in this folder, for the time of a `with` block."""
    made = Terminal(folder, environment, screens=screens)
    try:
        yield made
    finally:
        made.close()


def asked(shell: Terminal, command: str, code: int = 0) -> Any:
    """What a command says as JSON."""
    said = shell.run(f"proletarian {command} --json")
    assert said.code == code, said.text
    return json.loads(said.out)
