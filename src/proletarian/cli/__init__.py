"""
The command line: `proletarian COMMAND`, or `python -m proletarian COMMAND`.

One file per command. Each imports what it needs when it runs, so that `--help` is quick.
"""

from __future__ import annotations

from proletarian.cli.program import main

__all__ = ["main"]
