"""
A worker in a network namespace of its own: `python -m tests.faults.outpost URL LEDGER OPTIONS`.

Its options name the namespace; the rest is that of `tests.worker.program`, which takes this
process over.
"""

from __future__ import annotations

import json
import os
import sys


def main() -> None:
    url, ledger, text = sys.argv[1:]
    options = json.loads(text)
    enter = ["ip", "netns", "exec", options.pop("namespace")]
    program = [sys.executable, "-m", "tests.worker.program", url, ledger, json.dumps(options)]
    os.execvp(enter[0], [*enter, *program])


if __name__ == "__main__":
    main()
