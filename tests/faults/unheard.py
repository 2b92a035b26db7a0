"""
A worker whose log nobody reads any more: `python -m tests.faults.unheard URL LEDGER OPTIONS`.

Once a job has failed its log goes to a pipe that is full. `last_resort` is how many seconds beyond
`stop_timeout` a stop may take.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from pathlib import Path
from typing import Any

from proletarian import Retry, Tasks, Worker
from proletarian.worker import worker as worker_module
from tests.ledger import Ledger


def full_pipe() -> int:
    """The end to write to of a pipe that holds no more."""
    _, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, b"!" * 4096)
    os.set_blocking(write, True)
    return write


def main() -> None:
    url, path, text = sys.argv[1:]
    options = json.loads(text)
    worker_module.LAST_RESORT = options.pop("last_resort")
    ledger, pipe = Ledger(Path(path)), full_pipe()
    tasks = Tasks(retry=Retry(5, delays=[3600]))

    @tasks.task
    def fails() -> None:
        raise ValueError("no")

    @tasks.task
    def note(n: int) -> None:
        ledger.write("ran", n=n)

    heard = True

    def log(event: str, data: dict[str, Any]) -> None:
        nonlocal heard
        ledger.write(event, **data)
        heard = heard and event != "job.retrying"
        if not heard:
            os.write(pipe, f"{event}\n".encode())

    Worker(url, tasks, log=log, **options).run()


if __name__ == "__main__":
    main()
