"""One contestant on one store: told what to do, watched, and its workers ended."""

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
    """A contestant did not do what it was told, or not as a queue must."""


class Stage:
    """A contestant and a store, made fresh for each measurement."""

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
        """Go on with the same database: only what comes from now on counts."""
        for file in self.records.iterdir():
            file.unlink()
        if self.contestant.finished is not None:
            self._kept_before = self.ask(self.contestant.finished)

    def ask(self, sql: str) -> Any:
        """The one value that a query gives."""
        assert isinstance(self.store, SQLStore), f"{self.store.name} answers no queries"
        return self.store.ask(sql)

    def call(self, *what: object, timeout: float = 600) -> dict[str, Any]:
        """Have the program do something and wait for it; gives its result."""
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
        """The end of what it wrote to its log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-12:])

    @contextmanager
    def workers(self, count: int = 1) -> Iterator[list[subprocess.Popen[bytes]]]:
        """So many worker processes, for as long as the block lasts; programs of ours begin together."""
        command = [part.format(processes=count) for part in self.contestant.command]
        each = [command] if command else [[*self.program, "worker", str(count)]] * count
        shutil.rmtree(self.folder / "workers-ready", ignore_errors=True)  # of those before
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
        """How many calls of handlers there were so far."""
        return record.count(self.records)

    def wait_for(
        self, count: int, workers: list[subprocess.Popen[bytes]], *, seconds: float = 300, pause: float = 0.01
    ) -> None:
        """Wait until handlers were called so many times."""
        deadline = time.monotonic() + seconds
        while self.count() < count:
            if all(process.poll() is not None for process in workers):
                raise WentWrong(f"the workers of {self.contestant.name} ended by themselves:\n{self.last_words()}")
            if time.monotonic() > deadline:
                raise WentWrong(f"{self.contestant.name} ran {self.count()} of {count} jobs in {seconds:g} s")
            time.sleep(pause)

    def wait_until_over(self, *, seconds: float = 60) -> int:
        """Wait until the store shows no unfinished job; gives that moment (CLOCK_MONOTONIC, ns)."""
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
        """Each of so many jobs ran exactly once and is kept as finished; gives the calls."""
        ran = [call for call in self.ran() if call.number >= 0]
        numbers = {call.number for call in ran}
        if len(numbers) != count or len(ran) != count:
            raise WentWrong(f"{self.contestant.name}: {len(ran)} runs of {len(numbers)} jobs, where {count} went in")
        if self.contestant.finished is not None:
            kept = self.ask(self.contestant.finished) - self._kept_before
            if kept != count:
                raise WentWrong(f"{self.contestant.name}: {kept} jobs are kept as finished, where {count} went in")
        return ran


def ours(folder: Path) -> Path:
    """Our source as it was when the run began: it may be worked on meanwhile."""
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
