"""
Several worker processes under one parent: started, restarted when they die, stopped together.

The parent runs no jobs and imports no application, so no job can kill it. Each child runs the same command; a pipe
tells it when its parent is gone, however that happened, and then it stops.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from proletarian.cli import exit_codes
from proletarian.events import Log
from proletarian.worker.signals import Signals

CHILD = "PROLETARIAN_CHILD"  # in the environment of a child: its number, and its end of the pipe
LOOK = 0.05  # seconds
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0  # seconds before a dead child is restarted
WELL = 60.0  # seconds of life after which a death no longer counts as one of a series
AT_START = 15.0  # seconds within which an exit with a refusal counts as a failed start
APART = 2.0  # seconds between two signals that are passed on
LAST_RESORT = 25.0  # seconds beyond the stop's own time; a child ends itself before that

Changed = Callable[[], Collection[str]]  # the source files that have changed since the last call


@dataclass
class Child:
    """One of the processes, in its current life."""

    number: int
    process: subprocess.Popen[bytes] | None = None
    begun: float = 0.0
    lives: int = 0
    deaths: int = 0  # in a row
    due: float | None = 0.0  # when to start it; None: not on its own
    is_told: bool = False  # it was told to stop
    codes: list[int] = field(default_factory=list)


class Supervisor:
    """Keeps `count` processes of this command running until it is told to stop; `run` returns the exit code."""

    def __init__(
        self, count: int, *, stop_timeout: float, drain: bool, log: Log, changed: Changed | None = None
    ) -> None:
        self._children = [Child(number) for number in range(1, count + 1)]
        self._stop_timeout = stop_timeout
        self._drain = drain
        self._log = log
        self._changed = changed
        self._told = 0  # how many signals were passed on
        self._passed = float("-inf")  # when the latest was
        self._deadline: float | None = None  # of the stop
        self._refused: int | None = None  # the exit code of a start that cannot succeed
        self._reading, self._lifeline = os.pipe()  # nobody writes to it: it closes when this process ends

    def run(self) -> int:
        """Run until all have ended."""
        with Signals() as signals:
            self._log("supervisor.started", {"pid": os.getpid(), "processes": len(self._children)})
            while True:
                if signals.count > self._told and time.monotonic() - self._passed >= APART:
                    self._told, self._passed = signals.count, time.monotonic()
                    self._stop()
                for child in self._children:
                    self._look_after(child)
                if all(child.process is None and child.due is None for child in self._children) and (
                    self._deadline is not None or not self._waits_for_changes
                ):
                    break
                if self._deadline is not None and time.monotonic() > self._deadline:
                    self._kill()
                if self._changed is not None and self._deadline is None and (files := self._changed()):
                    self._begin_anew(files)
                time.sleep(LOOK)
        code = self._code()
        self._log("supervisor.stopped", {"exit_code": code})
        return code

    @property
    def _waits_for_changes(self) -> bool:
        return self._changed is not None

    def _look_after(self, child: Child) -> None:
        if child.process is None:
            if child.due is not None and time.monotonic() >= child.due:
                self._start(child)
        elif (code := child.process.poll()) is not None:
            self._ended(child, code)

    def _start(self, child: Child) -> None:
        environment = {**os.environ, CHILD: f"{child.number}:{self._reading}"}
        child.process = subprocess.Popen(  # noqa: S603 (the command that we were started by)
            [sys.executable, *sys.orig_argv[1:]],
            env=environment,
            stdin=subprocess.DEVNULL,
            pass_fds=[self._reading],
            process_group=0,  # Ctrl-C reaches us alone, and is passed on once
        )
        child.begun, child.due, child.is_told = time.monotonic(), None, False
        child.lives += 1
        self._log("process.started", {"number": child.number, "pid": child.process.pid})

    def _ended(self, child: Child, code: int) -> None:
        assert child.process is not None  # noqa: S101 (its caller has looked)
        pid, lived, child.process = child.process.pid, time.monotonic() - child.begun, None
        known = {"number": child.number, "pid": pid, "lived": round(lived, 1), **_how(code)}
        if self._deadline is not None or self._drain:
            child.codes.append(code)
            self._log("process.ended", known)
        elif child.is_told or (code == exit_codes.CLEAN and self._changed is None):
            child.due, child.deaths = time.monotonic(), 0
            self._log("process.ended", known)
        elif self._changed is not None:
            self._log("process.died", {**known, "again": "when code changes"})
        elif code in (exit_codes.USAGE, exit_codes.DATABASE) and child.lives == 1 and lived < AT_START:
            self._log("process.ended", known)  # it has said why, and the others would say the same
            self._refused = code
            self._stop()
        else:
            child.deaths = child.deaths + 1 if lived < WELL else 1
            wait = min(FIRST_WAIT * 2 ** (child.deaths - 1), LONGEST_WAIT)
            child.due = time.monotonic() + wait
            self._log("process.died", {**known, "again_in": wait})

    def _begin_anew(self, files: Collection[str]) -> None:
        self._log("code.changed", {"files": sorted(files)[:5]})
        for child in self._children:
            if child.process is None:
                child.due = time.monotonic()
            elif not child.is_told:
                child.is_told = True
                self._send(child, signal.SIGTERM)

    def _stop(self) -> None:
        """Pass on the first signal, or a second one, which ends the wait for running jobs."""
        if self._deadline is None:
            self._deadline = time.monotonic() + self._stop_timeout + LAST_RESORT
            self._log("supervisor.stopping", {"timeout": self._stop_timeout})
        for child in self._children:
            child.due = None
            self._send(child, signal.SIGTERM)

    def _send(self, child: Child, number: signal.Signals) -> None:
        if child.process is not None:
            child.process.send_signal(number)

    def _kill(self) -> None:
        """Kill what still runs, because by now it hangs, together with everything that it started."""
        for child in self._children:
            if child.process is not None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)

    def _code(self) -> int:
        """The worst exit code of the children."""
        if self._refused is not None:
            return self._refused
        codes = [exit_codes.HUNG if code < 0 else code for child in self._children for code in child.codes]
        return max(codes, default=exit_codes.CLEAN)


def _how(code: int) -> dict[str, object]:
    """How a process ended."""
    if code >= 0:
        return {"exit_code": code}
    try:
        return {"signal": signal.Signals(-code).name}
    except ValueError:
        return {"signal": -code}


def number() -> int:
    """
    Which of its supervisor's processes this is, from 1; 0 without a supervisor. It stops when its supervisor is gone.

    A platform that stops a service may signal all of its processes (Heroku, systemd by default), and then the parent
    passes the signal on as well. Both count as one stop, not as a second signal, which would end the wait for running
    jobs.
    """
    said = os.environ.pop(CHILD, None)  # not for processes that it starts itself
    if said is None:
        return 0
    Signals.apart = APART * 0.9
    mine, _, pipe_number = said.partition(":")
    pipe = int(pipe_number)
    os.set_inheritable(pipe, False)
    threading.Thread(target=_stop_with_parent, args=(pipe,), name="proletarian-parent", daemon=True).start()
    return int(mine)


def _stop_with_parent(pipe: int) -> None:
    with contextlib.suppress(OSError):
        os.read(pipe, 1)  # returns when the other end is closed
        os.kill(os.getpid(), signal.SIGTERM)
