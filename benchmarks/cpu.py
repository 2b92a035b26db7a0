"""What processes use: memory, and processor time (steadier than wall-clock time on a shared machine)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


def seconds(*roots: int) -> float:
    """Processor time so far of these processes and their descendants, without those that have ended."""
    return sum(_of(process) for process in family(*roots))


def family(*roots: int) -> set[int]:
    """These processes and their descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: set[int] = set()
    left = list(roots)
    while left:
        process = left.pop()
        found.add(process)
        left += children.get(process, [])
    return found


def _of(process: int) -> float:
    """Seconds, from the kernel's own account: nanoseconds for each thread."""
    total = 0
    with suppress(OSError):
        for thread in Path(f"/proc/{process}/task").iterdir():
            with suppress(OSError):
                total += int((thread / "schedstat").read_text().split()[0])
    return total / 1e9


class Memory(NamedTuple):
    """What a process holds, in megabytes."""

    resident: float
    anonymous: float  # without mapped files


def memory(process: int) -> Memory:
    """What one process holds now."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    resident, anonymous = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
    return Memory(resident, anonymous)
