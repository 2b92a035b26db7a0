"""Log lines that say which job wrote them: in threads, coroutines and child processes, as text and as JSON."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path
from typing import Any

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider

from proletarian import Job, NewJob, Processes, Retry, Tasks, Worker
from proletarian.cli.logs import JsonLines
from proletarian.contrib.opentelemetry import instrument
from proletarian.logs import JobFields, job_fields
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase
from tests.hands import shop
from tests.worker.recorder import Recorder

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
HEADERS = {"traceparent": f"00-{TRACE}-00f067aa0ba902b7-01"}

JOBS = """
import asyncio
import logging

from proletarian import Tasks

log = logging.getLogger("shop")
tasks = Tasks()


@tasks.task
def plain() -> None:
    log.info("from a thread")


@tasks.task
async def coroutine() -> None:
    await asyncio.sleep(0)
    await asyncio.to_thread(log.info, "from a coroutine")


@tasks.task(queue="apart")
def apart() -> None:
    log.info("from a child process")


@tasks.task(queue="apart")
async def apart_too() -> None:
    try:
        raise ValueError("no luck")
    except ValueError:
        log.exception("no luck over there")
"""
SAID = {
    "plain": "from a thread",
    "coroutine": "from a coroutine",
    "apart": "from a child process",
    "apart_too": "no luck over there",
}


class Lines:
    """A handler of `logging` with the filter, and what it has written, as JSON."""

    def __init__(self) -> None:
        self._written = io.StringIO()
        self.handler = logging.StreamHandler(self._written)
        self.handler.addFilter(JobFields())
        self.handler.setFormatter(JsonLines())

    def of(self, logger: str) -> list[dict[str, Any]]:
        """What one logger has said."""
        said = [json.loads(line) for line in self._written.getvalue().splitlines()]
        return [line for line in said if line["logger"] == logger]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """The root logger's handler."""
    lines, root = Lines(), logging.getLogger()
    root.addHandler(lines.handler)
    before = root.level
    root.setLevel(logging.INFO)
    try:
        yield lines
    finally:
        root.removeHandler(lines.handler)
        root.setLevel(before)


@pytest.fixture
def shell(tmp_path: Path, sqlite: PrivateDatabase) -> Iterator[Terminal]:
    """A terminal in a folder with the jobs of a shop, of which one each is enqueued."""
    folder = tmp_path / "application"
    folder.mkdir()
    (folder / "shop.py").write_text(JOBS)
    sqlite.put(*(NewJob(name, queue="apart" if "apart" in name else "default", headers=HEADERS) for name in SAID))
    with terminal(folder, tmp_path, PROLETARIAN_DATABASE=sqlite.url) as shell:
        yield shell


COMMAND = "proletarian worker shop --queue default=2,apart=processes:1 --drain"


def test_the_command_writes_it_into_json(shell: Terminal, sqlite: PrivateDatabase) -> None:
    done = shell.run(f"{COMMAND} --log-format json")

    said = [json.loads(line) for line in done.err.splitlines() if line.startswith("{")]
    found = {line["job_type"]: line for line in said if line["logger"] == "shop"}
    for job_id, job_type, queue in sqlite.rows("SELECT job_id, job_type, queue FROM proletarian_archived_job"):
        line = found.pop(job_type)
        assert line["message"] == SAID[job_type]
        assert (line["queue"], line["attempt"], line["trace_id"]) == (queue, 1, TRACE)
        assert line["job_id"].replace("-", "") == str(job_id).replace("-", "")
    assert not found
    assert any("trace_id" not in line and "job_id" not in line for line in said), "the worker's own lines are of no job"


def test_the_command_writes_it_into_text(shell: Terminal) -> None:
    done = shell.run(COMMAND)

    for job_type, message in SAID.items():
        [line] = [line for line in done.err.splitlines() if f"shop: {message}" in line]
        assert f" INFO shop: {message} job_id=" in line.replace("ERROR", "INFO")
        assert line.endswith(f" job_type={job_type} attempt=1 trace_id={TRACE}")
    assert "ValueError: no luck" in done.err
    [started] = [line for line in done.err.splitlines() if "worker.started" in line]
    assert "job_id" not in started


def test_each_attempt_says_which_it_is(sqlite: PrivateDatabase, lines: Lines) -> None:
    tasks = Tasks()

    @tasks.task(retry=Retry(1, delays=[0]))
    def fail(job: Job, secret: str) -> None:
        logging.getLogger("shop").info("trying", extra={"queue": "mine"})
        raise TimeoutError("no answer")

    [job_id] = sqlite.put(NewJob(fail.name, {"secret": "of nobody's"}))
    Worker(sqlite.url, tasks).drain()

    assert [line["attempt"] for line in lines.of("shop")] == [1, 2]
    assert {line["job_id"] for line in lines.of("shop")} == {str(job_id)}
    assert {line["queue"] for line in lines.of("shop")} == {"mine"}, "what the application said itself stays"
    assert {line["attempt"] for line in lines.of("proletarian.worker") if line["event"] == "job.failed"} == {1, 2}
    assert job_fields() == {}


def test_the_trace_is_that_of_the_run_s_span(sqlite: PrivateDatabase, lines: Lines) -> None:
    tasks, seen = Tasks(), list[str]()
    instrument(tasks, parent="never", tracer_provider=TracerProvider())

    @tasks.task
    async def send() -> None:
        seen.append(format(trace.get_current_span().get_span_context().trace_id, "032x"))
        await asyncio.sleep(0)
        logging.getLogger("shop").info("sent")

    sqlite.put(NewJob(send.name, headers=HEADERS))
    Worker(sqlite.url, tasks).drain()

    assert [line["trace_id"] for line in lines.of("shop")] == seen
    assert seen != [TRACE]


def test_a_thread_of_the_handler_s_own_has_it_with_the_context(sqlite: PrivateDatabase, lines: Lines) -> None:
    tasks = Tasks()

    def in_a_thread(target: Callable[[], None]) -> None:
        thread = threading.Thread(target=target)
        thread.start()
        thread.join()

    @tasks.task
    def count() -> None:
        in_a_thread(lambda: logging.getLogger("without").info("who am I?"))
        mine = copy_context()
        in_a_thread(lambda: mine.run(logging.getLogger("with").info, "I know"))

    sqlite.put(NewJob(count.name))
    Worker(sqlite.url, tasks).drain()

    assert lines.of("with")[0]["job_type"] == count.name
    assert "job_type" not in lines.of("without")[0]


def test_a_child_process_adds_nothing_that_its_worker_did_not_ask_for(
    sqlite: PrivateDatabase, recorder: Recorder, caplog: pytest.LogCaptureFixture, lines: Lines
) -> None:
    for wanted in (False, True):
        caplog.clear()
        lines.handler.filters[:] = [JobFields()] if wanted else []
        sqlite.put(shop.fail.job(how="known"))
        caplog.set_level(logging.INFO)
        Worker(sqlite.url, shop.tasks, queues={"default": Processes(1)}, log=recorder).drain()

        [said] = [record for record in caplog.records if record.name == "shop"]
        assert getattr(said, "job_type", None) == ("fail" if wanted else None)
