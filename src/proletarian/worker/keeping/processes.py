"""
What the operating system shows of another worker's process, if it runs on this machine.

A worker notes in its row which process it is: the kernel's boot id, its namespaces, its process id and its start time.
No other process has all of these, even if two containers have the same names and process ids. So a worker in the same
namespaces of the same boot can tell for certain whether the process still exists.
"""

from __future__ import annotations

import os
import socket

from proletarian.sql.rows import Peer
from proletarian.worker.keeping.watch import Process

SPACES = ("pid", "time")  # the namespaces that process ids and start times depend on
STATE, THREADS, START = 0, 17, 19  # fields of /proc/…/stat after the name


def process_here() -> str | None:
    """
    Identifies this process; None without `/proc`, or if it shows another container.

    >>> process_here() == process_here()
    True
    """
    try:
        return f"{_where()}/{os.getpid()}/{_stat(os.getpid())[START]}"
    except (OSError, IndexError):
        return None


def process_of(peer: Peer) -> Process:
    """What can be seen of a worker's process from here."""
    if peer.process is None or peer.host.rpartition("@")[2] != socket.gethostname():
        return Process.ELSEWHERE
    where, number, start = peer.process.rsplit("/", 2)
    try:
        if where != _where():
            return Process.ELSEWHERE
    except OSError:
        return Process.ELSEWHERE
    return _process(int(number), start)


def _where() -> str:
    """The kernel's boot id and the namespaces. Raises `OSError` if `/proc` does not show them."""
    if os.readlink("/proc/self") != str(os.getpid()):
        raise OSError("this /proc shows the processes of another name space")
    with open("/proc/sys/kernel/random/boot_id") as file:
        run = file.read().strip()
    return ":".join([run, *(str(os.stat(f"/proc/self/ns/{space}").st_ino) for space in SPACES)])


def _process(number: int, start: str) -> Process:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return Process.GONE
    except OSError:
        pass  # somebody else's, but it exists
    try:
        stat = _stat(number)
        if stat[START] != start:
            return Process.GONE  # another process has its id
        if stat[STATE] in "ZX":
            # It has ended and is a zombie, or only its first thread has ended.
            return Process.GONE if stat[THREADS] == "1" else Process.THERE
        return Process.FROZEN if stat[STATE] in "Tt" else Process.THERE
    except (OSError, IndexError):
        return Process.ELSEWHERE  # hidden from us


def _stat(number: int) -> list[str]:
    with open(f"/proc/{number}/stat", "rb") as file:
        return file.read().rpartition(b")")[2].decode().split()
