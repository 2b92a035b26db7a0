"""The same program within the process of the tests: for what does not depend on a process of its own."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from pathlib import Path

from click.testing import CliRunner

from proletarian.cli import main
from tests.cli.terminal import Said, Terminal


class Inside(Terminal):
    """
    A terminal that starts a process only for workers, and for what is told to `start`.

    Starting Python and importing a driver takes longer than most commands do.
    """

    def run(self, command: str, *, stdin: str = "", **environment: str) -> Said:
        """Run a command to its end."""
        program, *arguments = shlex.split(command)
        if program != "proletarian" or arguments[0] == "worker":
            return super().run(command, stdin=stdin, **environment)
        known = {name: value for name, value in self.environment.items() if name.startswith("PROLETARIAN_")}
        arguments += ["--app-dir", str(self.folder)] if "PROLETARIAN_APP" in known or "--app" in arguments else []
        done = CliRunner(env={**known, **environment}).invoke(main, arguments, input=stdin, prog_name=program)
        return Said(done.exit_code, done.stdout, done.stderr)


@contextlib.contextmanager
def inside(folder: Path, screens: Path, **environment: str) -> Iterator[Inside]:
    """Such a terminal in this folder, for the time of a `with` block."""
    made = Inside(folder, environment, screens=screens)
    try:
        yield made
    finally:
        made.close()
