"""How much processor time processes have had; steadier than the clock on a machine that others use too."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


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


def memory(*roots: int) -> float:
    """Megabytes that these processes and their descendants hold for themselves (PSS: what is shared is shared out)."""
    total = 0
    for process in family(*roots):
        with suppress(OSError):
            for line in Path(f"/proc/{process}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
    return total / 1024
