"""
A worker whose handlers treat its process badly: `python -m tests.faults.rough URL LEDGER OPTIONS`.

It has no standard input, and its memory is limited.
"""

from __future__ import annotations

import ctypes
import json
import multiprocessing
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

from proletarian import Job, Tasks, Worker
from tests.ledger import Ledger

MEMORY = 1 << 30  # bytes


def tasks_for(ledger: Ledger) -> Tasks:
    """What they do."""
    tasks = Tasks()

    @tasks.task
    def note(n: int) -> None:
        ledger.write("ran", n=n)

    @tasks.task
    def greedy() -> None:
        """Wants more memory than there is."""
        ledger.write("began")
        hoard = []
        while True:
            hoard.append(bytearray(32 << 20))

    @tasks.task
    def selfish(seconds: float) -> None:
        """Lets no other Python thread run meanwhile."""
        ledger.write("began")
        ctypes.PyDLL(None).usleep(round(seconds * 1e6))
        ledger.write("ended")

    @tasks.task
    def exits(job: Job) -> None:
        """Ends the process without a word."""
        ledger.write("began", lost=job.lost)
        if not job.lost:
            os._exit(7)

    @tasks.task
    def asks() -> None:
        input("your name? ")

    @tasks.task
    def starts() -> None:
        """Other programs, and a child of this one."""
        child = multiprocessing.get_context("fork").Process(target=ledger.write, args=["child"])
        child.start()
        child.join()
        subprocess.run(["cat"], stdin=subprocess.DEVNULL, check=True)

    @tasks.task
    def shouts() -> None:
        """Prints 100 MB."""
        for _ in range(100):
            sys.stdout.write("x" * 1_000_000)

    @tasks.task
    def closes() -> None:
        """Closes every file but the standard ones, as code does that makes a daemon of its process."""
        os.closerange(3, 1024)

    return tasks


def main() -> None:
    url, path, text = sys.argv[1:]
    ledger = Ledger(Path(path))
    os.close(0)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    def log(event: str, data: dict[str, Any]) -> None:
        ledger.write(event, **data)

    Worker(url, tasks_for(ledger), log=log, **json.loads(text)).run()


if __name__ == "__main__":
    main()
