"""One contestant on one store: it is told what to do and watched, and its workers are killed at the end."""

from __future__ import annotations

import compileall
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from benchmarks.contestants import Contestant
from benchmarks.environments import python_with
from benchmarks.programs import record
from benchmarks.programs.record import Ran
from benchmarks.stores import SQLStore, Store

ROOT = Path(__file__).parents[1]


class WentWrong(Exception):
    """A contestant did not do what it was told, or not in the way a queue must."""


class Stage:
    """A contestant and a store, created anew for each measurement."""

    def __init__(self, contestant: Contestant, store: Store, folder: Path) -> None:
        self.contestant = contestant
        self.store = store
        self.folder = folder / contestant.name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.records = self.folder / "records"
        self.records.mkdir(parents=True)
        self.log = self.folder / "log"
        self.python = python_with(contestant.environment, contestant.requirements, since=contestant.since)
        module = contestant.program.removesuffix(".py")
        self.program = [str(self.python), "-m", f"benchmarks.programs.{module}"]
        task = {"url": store.fresh(), "records": str(self.records), "options": dict(contestant.options)}
        self.environment = {
            **os.environ,
            "BENCHMARK": json.dumps(task),
            "PYTHONPATH": str(ROOT) if contestant.requirements else f"{ROOT}:{ours(folder)}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "PATH": ":".join(map(str, filter(None, (self.python.parent, store.programs, os.environ["PATH"])))),
        }
        self._kept_before = 0
        self.call("setup")

    def again(self) -> None:
        """Continue with the same database: only what happens from now on counts."""
        for file in self.records.iterdir():
            file.unlink()
        if self.contestant.finished is not None:
            self._kept_before = self.ask(self.contestant.finished)

    def ask(self, sql: str) -> Any:
        """The single value that a query returns."""
        assert isinstance(self.store, SQLStore), f"{self.store.name} answers no queries"
        return self.store.ask(sql)

    def call(self, *what: object, timeout: float = 600) -> dict[str, Any]:
        """Have the program do something, wait for it, and return its result."""
        with self.start_call(*what) as process:
            return self.result_of(process, timeout)

    def start_call(self, *what: object) -> subprocess.Popen[str]:
        """Have the program do something; `result_of` waits for it."""
        with self.log.open("ab") as log:
            return subprocess.Popen(
                [*self.program, *map(str, what)], env=self.environment,
                cwd=self.folder, stdout=subprocess.PIPE, stderr=log, text=True,
            )  # fmt: skip

    def result_of(self, process: subprocess.Popen[str], timeout: float = 600) -> dict[str, Any]:
        """The last line that a call printed."""
        try:
            printed, _ = process.communicate(timeout=timeout)
        except BaseException:
            process.kill()
            raise
        if process.returncode:
            raise WentWrong(f"{self.contestant.name} failed:\n{self.last_words()}")
        last = (printed.strip().splitlines() or ["{}"])[-1]
        return dict(json.loads(last)) if last.startswith("{") else {}

    def last_words(self) -> str:
        """The last lines of its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])

    @contextmanager
    def workers(self, count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
        """`count` worker processes, for as long as the block lasts; our own programs begin together."""
        command = [part.format(processes=count) for part in self.contestant.command]
        each = [command] if command else [[*self.program, "worker", str(count)]] * count
        shutil.rmtree(self.folder / "workers-ready", ignore_errors=True)  # of earlier workers
        with self.log.open("ab") as log:
            started = [
                subprocess.Popen(argv, env=self.environment, cwd=self.folder, stdout=log, stderr=log,
                                 stdin=subprocess.DEVNULL, start_new_session=True)
                for argv in each
            ]  # fmt: skip
        try:
            yield started
            if any(process.poll() is not None for process in started):
                raise WentWrong(f"a worker of {self.contestant.name} ended by itself:\n{self.last_words()}")
        finally:
            for process in started:
                end(process)

    def ran(self) -> list[Ran]:
        """Every call of a handler."""
        return list(record.calls(self.records))

    def count(self) -> int:
        """How many handler calls there have been so far."""
        return record.count(self.records)

    def wait_for(
        self, count: int, workers: list[subprocess.Popen[bytes]], *, seconds: float = 300, pause: float = 0.01
    ) -> None:
        """Wait until handlers have been called `count` times."""
        deadline = time.monotonic() + seconds
        while self.count() < count:
            if all(process.poll() is not None for process in workers):
                raise WentWrong(f"the workers of {self.contestant.name} ended by themselves:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise WentWrong(f"{self.contestant.name} ran {self.count()} of {count} jobs in {seconds:g} s")
            time.sleep(pause)

    def wait_until_over(self, *, seconds: float = 60) -> int:
        """Wait until the store has no unfinished job; returns that moment (CLOCK_MONOTONIC, ns)."""
        if self.contestant.unfinished is None:
            return max(call.at for call in self.ran())
        deadline = time.monotonic() + seconds
        while True:
            left = self.ask(self.contestant.unfinished)
            now = time.monotonic_ns()
            if not left:
                return now
            if now / 1e9 > deadline:
                raise WentWrong(f"{self.contestant.name}: {left} jobs unfinished {seconds:g} s after all had run")
            time.sleep(0.002)

    def check(self, count: int) -> list[Ran]:
        """Check that each of `count` jobs ran exactly once and is kept as finished; returns the calls."""
        ran = [call for call in self.ran() if call.number >= 0]
        numbers = {call.number for call in ran}
        if len(numbers) != count or len(ran) != count:
            raise WentWrong(f"{self.contestant.name}: {len(ran)} runs of {len(numbers)} jobs; {count} were enqueued")
        if self.contestant.finished is not None:
            kept = self.ask(self.contestant.finished) - self._kept_before
            if kept != count:
                raise WentWrong(f"{self.contestant.name}: {kept} jobs are kept as finished; {count} were enqueued")
        return ran


def ours(folder: Path) -> Path:
    """A copy of our source from the start of the run, because the source may be edited meanwhile."""
    copy = folder / "ours"
    if not copy.exists():
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "src/proletarian", copy / "proletarian", ignore=ignored)
        compileall.compile_dir(copy, quiet=1)
    return copy


def end(process: subprocess.Popen[bytes]) -> None:
    """Kill a process that we started, and its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
