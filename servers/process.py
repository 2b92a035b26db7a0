"""A server program, run as a child of ours and never left behind."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

from servers import account


class Process:
    """A running server, including its children; its output is appended to `log`."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        *,
        log: Path,
        when_we_die: signal.Signals = signal.SIGKILL,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = Path(argv[0]).name
        self._log = log
        with log.open("ab") as output:
            self._log_start = output.tell()
            self._child: subprocess.Popen[bytes] = _starter.submit(
                subprocess.Popen,
                account.command(argv, when_we_die=when_we_die),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",  # the account may have no access to ours
                env=clean_environment(environment),
                start_new_session=True,  # Ctrl-C goes to the tests, which then stop the server
            ).result()

    @property
    def pid(self) -> int:
        return self._child.pid

    @property
    def running(self) -> bool:
        return self._child.poll() is None

    def said(self) -> str:
        """What it has written to the log since it was started."""
        with self._log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def wait_until_it_says(self, text: str, *, timeout: float = 120) -> None:
        self.wait_until(lambda: text in self.said(), what=f"to say {text!r}", timeout=timeout)

    def wait_until(self, condition: Callable[[], bool], *, what: str, timeout: float = 120) -> None:
        """Wait for `condition`; an error shows the end of the log."""
        deadline = time.monotonic() + timeout
        while not condition():
            status = self._child.poll()
            if status is not None:
                problem = f"{self.name} ended with status {status} while it was waited for {what}"
            elif time.monotonic() > deadline:
                problem = f"{self.name} was waited for {what} for {timeout:g} seconds, in vain"
            else:
                time.sleep(0.01)
                continue
            raise RuntimeError(f"{problem}; the end of {self._log}:\n{_last_lines(self.said())}")

    def stop(self, with_signal: signal.Signals, *, timeout: float = 60) -> None:
        """Ask it to end and wait until it has."""
        if not self.running:
            return
        self._child.send_signal(with_signal)
        self.resume()  # if it was paused; it gets the signal before it does anything else
        try:
            self._child.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError(
                f"{self.name} did not end within {timeout:g} seconds of {with_signal.name} and was killed; "
                f"the end of {self._log}:\n{_last_lines(self.said())}"
            ) from None

    def kill(self) -> None:
        """SIGKILL it and its children all at once; return when they are really gone."""
        # Stopped first: now it can neither start another child nor notice the death of one.
        family = self._signal_family(signal.SIGSTOP)
        for pid in family:
            _signal(pid, signal.SIGKILL)
        self._child.wait()
        deadline = time.monotonic() + 20
        while left := [pid for pid in family if _lives(pid)]:
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.name}: processes {left} still live 20 seconds after SIGKILL")
            time.sleep(0.005)

    def pause(self) -> None:
        """Freeze it and its children (SIGSTOP), like a machine that hangs."""
        self._signal_family(signal.SIGSTOP)

    def resume(self) -> None:
        self._signal_family(signal.SIGCONT)

    def _signal_family(self, with_signal: signal.Signals) -> list[int]:
        if not self.running:
            return []
        _signal(self.pid, with_signal)
        family = [self.pid]
        for pid in family:  # grows while we walk it
            children = _children(pid)
            for child in children:
                _signal(child, with_signal)
            family += children
        return family


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """An environment without our variables (PGPORT, MYSQL_HOST, LANG…), which must not affect a server or its tools."""
    return {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "HOME": "/nonexistent",
        **(more or {}),
    }


def _signal(pid: int, with_signal: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, with_signal)


def _children(of: int) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                state_and_parent = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue  # it has just ended
            if int(state_and_parent[1]) == of:
                found.append(int(entry.name))
    return found


def _lives(pid: int) -> bool:
    """Whether it is alive. A zombie that has not been reaped yet is dead once its other threads are too."""
    proc = Path("/proc") / str(pid)
    try:
        state = (proc / "stat").read_text().rpartition(")")[2].split()[0]
        threads = len(list((proc / "task").iterdir()))
    except OSError:
        return False
    return state != "Z" or threads > 1


def _last_lines(text: str, count: int = 20) -> str:
    return "\n".join(text.splitlines()[-count:])


# To Linux, "signal it if we die" means if the *thread* that started it ends. Servers may be
# started from a thread that ends long before the tests do, so a permanent thread starts all of them.
_starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


def _renew_starter() -> None:
    global _starter
    _starter = ThreadPoolExecutor(max_workers=1, thread_name_prefix="server-starter")


os.register_at_fork(after_in_child=_renew_starter)  # threads do not survive a fork
