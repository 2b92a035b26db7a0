"""What another process cannot import is said before the worker starts, or by the process, and costs no job."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from proletarian import ConfigurationError, Job, NewJob, Processes, Tasks, Worker
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.worker.workers import Workers

nameless = [Tasks()]  # no module has it under a name
late = Tasks()


@nameless[0].task(process=True)
def unreachable() -> None:
    """Its `Tasks` cannot be found."""


@late.task(process=True)
def punctual() -> None:
    """A task that is there from the start."""


def whole(job: Job) -> None:
    """A handler of all jobs."""
    shop.where.function(n=job.payload["n"])


@contextmanager
def broken(worker: Any) -> Iterator[None]:
    """A lifespan that only works in the worker itself."""
    if os.environ["WORKER"] != str(os.getpid()):
        raise OSError("the model cannot be loaded")
    yield


def test_a_function_made_inside_of_another_is_refused(sqlite: PrivateDatabase, tasks: Tasks) -> None:
    @tasks.task(process=True)
    def inside() -> None: ...

    for queues in (None, {"default": Processes(1)}):
        with pytest.raises(
            ConfigurationError, match=r"'inside' is to run in another process.*define it at the top level"
        ):
            Worker(sqlite.url, tasks, queues=queues).start()


@pytest.mark.parametrize(
    ("handler", "options"),
    [
        (nameless[0], {}), (lambda job: None, {}), (shop.tasks, {"lifespan": lambda worker: broken(worker)}),
        (shop.tasks.within(lambda job, call_next: call_next(job)), {}),
    ],
    ids=["tasks", "handler", "lifespan", "middleware"],
)  # fmt: skip
def test_what_has_no_name_is_refused(sqlite: PrivateDatabase, handler: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="must have a name in a module"):
        Worker(sqlite.url, handler, queues={"default": Processes(1)}, **options).start()


def test_a_bare_function_will_do(workers: Workers) -> None:
    workers.database.put(shop.where.job(n=1))
    workers.drain(whole, queues={"default": Processes(1)})

    assert workers.database.archive() == [("where", "success")]


def test_a_task_that_only_the_worker_knows_fails_and_says_why(workers: Workers) -> None:
    dynamic = late.task(name="dynamic")(whole_of_nothing)
    try:
        workers.database.put(dynamic.job())
        workers.drain(late, queues={"default": Processes(1)})
    finally:
        del late._tasks["dynamic"]

    [(errors,)] = workers.database.archive("errors")
    assert "the child process does not know the task 'dynamic', although its worker does" in errors


def whole_of_nothing() -> None:
    """What is made a task too late."""


def test_a_child_that_cannot_begin_costs_no_job_a_run(workers: Workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKER", str(os.getpid()))
    workers.database.put(shop.where.job())
    with workers.running(shop.tasks, queues={"default": Processes(1)}, lifespan=broken):
        known = workers.recorder.wait_for("process.failed")
        workers.recorder.wait_for("job.released")

    assert str(known["error"]) == "a child process could not start: OSError: the model cannot be loaded"
    assert workers.database.rows(f"SELECT attempts, lost FROM {workers.database.table('job')}") == [(0, 0)]


PROGRAM = """
import sys
from proletarian import Processes, Tasks, Worker

tasks = Tasks()

@tasks.task(keep_result=True)
def double(n: int) -> int:
    return 2 * n

def run():
    Worker(sys.argv[1], tasks, queues={"default": Processes(1)}, log=lambda event, data: print(event, data)).drain()
"""


def run(program: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program)
    command = [sys.executable, "program.py", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_the_program_that_runs_may_hold_the_tasks(sqlite: PrivateDatabase, tmp_path: Path) -> None:
    sqlite.put(NewJob("double", {"n": 4}))
    done = run(PROGRAM + '\nif __name__ == "__main__":\n    run()\n', tmp_path, sqlite.url)

    assert done.returncode == 0, done.stderr
    assert sqlite.archive("status", "result") == [("success", "8")]


def test_a_program_that_starts_its_worker_when_it_is_imported_hears_of_it(
    sqlite: PrivateDatabase, tmp_path: Path
) -> None:
    sqlite.put(NewJob("double", {"n": 4}))
    done = run(PROGRAM + "\nrun()\n", tmp_path, sqlite.url)

    assert done.returncode == 0, done.stderr
    assert "a worker was started while a child process imported the main program" in done.stdout
    assert sqlite.rows(f"SELECT attempts FROM {sqlite.table('job')}") == [(0,)]


def test_what_was_typed_in_cannot_be_imported(sqlite: PrivateDatabase) -> None:
    typed = PROGRAM + "\nrun()\n"
    done = subprocess.run(
        [sys.executable, "-c", typed, sqlite.url], capture_output=True, text=True, timeout=60, check=False
    )

    assert "they are defined in the main program (__main__), which it cannot import" in done.stderr
