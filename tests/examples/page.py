"""
A page that walks through an example, and whether it shows what really happens.

A page shows commands and what they print in blocks marked `console`. Numbers, times and ids
differ from run to run, and what happens at the same time may come in any order: so both
sides are compared as sets of lines, with numbers and ids made alike.
"""

from __future__ import annotations

import re
from pathlib import Path


class Page:
    """One README.md."""

    def __init__(self, path: Path) -> None:
        blocks = re.findall(r"^```console\n(.*?)^```$", path.read_text(), re.MULTILINE | re.DOTALL)
        parts = re.split(r"^\$ ", "".join(blocks), flags=re.MULTILINE)[1:]
        self.path = path
        self.shown = {command: output for command, _, output in (part.partition("\n") for part in parts)}
        self.checked: set[str] = set()

    def check(self, command: str, output: str) -> None:
        """Fail unless the page shows this command with this output."""
        assert command in self.shown, f"{self.path} does not show `{command}`; it shows {list(self.shown)}"
        seen, shown = alike(apart(output, self.shown[command])), alike(self.shown[command])
        assert seen == shown, (
            f"{self.path}, `{command}`: it shows {sorted(shown - seen)}, which is not printed, "
            f"and not {sorted(seen - shown)}, which is"
        )
        self.checked.add(command)

    def unchecked(self) -> set[str]:
        """The commands of the page that nobody has compared."""
        return self.shown.keys() - self.checked


def apart(output: str, shown: str) -> str:
    """
    An output in which each line that the page begins with `word:` is on its own.

    Two threads that print at the same time may share a line: `print` writes its newline apart.

    >>> apart("a: 1b: 2\\n\\n", "a: 0\\nb: 0\\n").split()
    ['a:', '1', 'b:', '2']
    """
    starts = {line.split()[0] for line in shown.splitlines() if re.match(r"[\w.]+: ", line)}
    return re.sub("|".join(map(re.escape, starts)), lambda start: f"\n{start[0]}", output) if starts else output


def alike(output: str) -> set[str]:
    """
    The lines of an output, without what differs from run to run.

    >>> sorted(alike("chunk 1\\nchunk 2\\n^C\\nworker=vm:12 id=01a20e4d-96c4-7000-8002-bf6c70e1fe79"))
    ['chunk N', 'worker=HOST:N id=ID']
    """
    lines = set()
    for line in output.splitlines():
        line = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "ID", line)
        line = re.sub(r"[\w.-]+:\d+(?=\s)", "HOST:N", line) if "worker" in line or "alive" in line else line
        line = re.sub(r"\d+([.,:]\d+)*", "N", line)
        lines.add(re.sub(r" {2,}", "  ", line).strip())
    return lines - {"", "^C"}
