"""
Runs the Python of one page of documentation: `python -m tests.project.page docs/index.md`.

The blocks of a page are one program, run from top to bottom in an empty folder. A block that begins
with a comment `# jobs.py` is that file, for the blocks after it to import. A block that cannot run is
preceded by a comment that readers do not see and that says why:

    <!-- no-run: it needs a PostgreSQL server -->
"""

from __future__ import annotations

import re
import sys
import types
from pathlib import Path

BLOCK = re.compile(
    r"(?P<reason><!-- no-run: [^>]+ -->\s*\n)?^(?P<indent> *)```python *\n(?P<source>.*?)^ *```",
    re.MULTILINE | re.DOTALL,
)
FILE = re.compile(r"\s*# (\w+\.py)\n")


def program(page: str) -> list[str]:
    """The blocks that run, each with so many empty lines before it that errors show the page's own line."""
    blocks = []
    for match in BLOCK.finditer(page):
        if match["reason"] is None:
            indent = len(match["indent"])
            source = "".join(line[indent:] or "\n" for line in match["source"].splitlines(keepends=True))
            blocks.append("\n" * page.count("\n", 0, match.start("source")) + source)
    return blocks


def main() -> None:
    path = Path(sys.argv[1])
    module = types.ModuleType("__main__")
    sys.modules["__main__"] = module
    for block in program(path.read_text()):
        if file := FILE.match(block):
            Path(file[1]).write_text(block)
            continue
        exec(compile(block, str(path), "exec", dont_inherit=True), module.__dict__)


if __name__ == "__main__":
    main()
