"""What processes take of the machine: memory, and processor time (steadier than the clock where others run too)."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import NamedTuple


def seconds(*roots: int) -> float:
    """Processor time of these processes and all that descend from them, so far, those that have ended left out."""
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
    """The kernel's own account, in nanoseconds for each thread."""
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
    """What one process holds at the moment."""
    lines = dict(line.split(":", 1) for line in Path(f"/proc/{process}/status").read_text().splitlines())
    resident, anonymous = (int(lines[name].split()[0]) / 1024 for name in ("VmRSS", "RssAnon"))
    return Memory(resident, anonymous)
