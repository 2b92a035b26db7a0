"""A child process as its worker sees it: how it is started, sent messages, read from, and ended."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from multiprocessing import Pipe, process, spawn
from pathlib import Path
from queue import SimpleQueue

from proletarian.errors import ProcessDied
from proletarian.worker.hands.messages import Boot, Leave, Said, Told, ordered, read
from proletarian.worker.hands.records import has_fields, levels
from proletarian.worker.hands.source import Source

# Finds modules where the worker finds them: the rest of the command line is the search path.
PROGRAM = (
    "import sys; sys.path[:] = sys.argv[3:]; from proletarian.worker.hands.child import main; main(*sys.argv[1:3])"
)
PATIENCE = 5.0  # seconds for a lifespan to end before the process is ended


class Spawned:
    """
    One child process: a new interpreter that shares only a pipe with its worker.

    It leads its own session, so signals that a terminal sends to all do not reach it, and it can be ended together with
    everything that it has started.
    """

    def __init__(self, source: Source) -> None:
        self._connection, theirs = Pipe()
        self._saying = threading.Lock()
        self._unsaid: SimpleQueue[Told | None] = SimpleQueue()
        self._speaker: threading.Thread | None = None  # started for callers that cannot wait
        self._starting = threading.Lock()
        with theirs:
            number = theirs.fileno()
            flags: list[str] = subprocess._args_from_interpreter_flags()  # type: ignore[attr-defined]
            command = [os.fsdecode(spawn.get_executable()), *flags, "-c", PROGRAM, str(number), str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 (this interpreter, with our own arguments)
                [*command, *searched()], stdin=subprocess.DEVNULL, pass_fds=[number], start_new_session=True
            )
        self.pid = self._process.pid
        self.jobs = 0
        self.say(Boot(source, levels(), has_fields(), sys.argv))

    def say(self, message: Told) -> None:
        """Send it a message, from any thread; waits until it has room for it. If it is dead, `hear` reports it."""
        with self._saying, contextlib.suppress(OSError):
            self._connection.send_bytes(ordered(message))

    def say_soon(self, message: Told) -> None:
        """Send it a message without waiting: a stopped process (SIGSTOP) makes no room until it continues."""
        self._unsaid.put(message)
        with self._starting:
            if self._speaker is None:
                self._speaker = threading.Thread(target=self._speak, name="proletarian speaker", daemon=True)
                self._speaker.start()

    def _speak(self) -> None:
        while (message := self._unsaid.get()) is not None:
            self.say(message)

    def _hush(self) -> None:
        """It is dead: end what is still being sent to it."""
        self._unsaid.put(None)
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(self._connection.fileno())) as ours:
            ours.shutdown(socket.SHUT_RDWR)  # a process that it started may hold the other end open
        with self._starting:
            speaker = self._speaker
        if speaker is not None:
            speaker.join()

    def hear(self, seconds: float) -> Said | None:
        """Its next message; None if there is none for that long. Raises `EOFError` once it is dead."""
        try:
            if self._connection.poll(seconds):
                return read(self._connection.recv_bytes())
        except OSError as error:
            raise EOFError from error
        if not self.is_alive and not self._connection.poll():  # a process that it started may hold the pipe open
            raise EOFError
        return None

    @property
    def is_alive(self) -> bool:
        """Whether it is running."""
        return self._process.poll() is None

    @property
    def memory(self) -> int | None:
        """How many bytes of memory it uses; None if that is unknown."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        except (OSError, IndexError):
            return None
        return pages * os.sysconf("SC_PAGE_SIZE")

    def died(self) -> ProcessDied:
        """What it died of, once it has died."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)  # it has closed its pipe
        return ProcessDied(f"the process that ran it (pid {self.pid}) {how_it_ended(self.end())}")

    def end(self) -> int:
        """End it and everything that it has started; returns its exit code, or the negative signal that ended it."""
        # The group first, while its leader exists: until we wait for the leader, no other process can get its number.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)
        code = self._process.wait()
        self._hush()
        self._connection.close()
        return code

    def leave(self) -> None:
        """Ask it to end by itself; `end_in_time` waits for that."""
        self.say(Leave())

    def end_in_time(self) -> None:
        """Let it leave its lifespan, then end it regardless."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(PATIENCE)
        self.end()


def searched() -> list[str]:
    """Where modules are searched for, whatever the child's working directory."""
    folder: str = getattr(process, "ORIGINAL_DIR", None) or os.getcwd()
    return [path or folder for path in sys.path]


def how_it_ended(code: int) -> str:
    """
    An exit code in words.

    >>> print(how_it_ended(3), "|", how_it_ended(-11))
    ended by itself with exit code 3 | was killed by signal 11 (SIGSEGV), exit code -11
    >>> print(how_it_ended(-9))
    was killed by signal 9 (SIGKILL), exit code -9: by hand, or by the system for lack of memory
    """
    if code >= 0:
        return f"ended by itself with exit code {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = "a real-time signal"
    more = ": by hand, or by the system for lack of memory" if code == -signal.SIGKILL else ""
    return f"was killed by signal {-code} ({name}), exit code {code}{more}"
