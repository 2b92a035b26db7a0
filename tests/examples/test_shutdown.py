"""Example C, as its page says."""

from __future__ import annotations

import re
import signal

from tests.cli.terminal import ROOT, Program, Terminal
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.waiting import wait_until

WORKER = "proletarian worker examples.c_shutdown.jobs --stop-timeout 2s"
ENQUEUE = "python -m examples.c_shutdown.enqueue 30"


def chunks(worker: Program) -> list[int]:
    """The chunks that a worker has done."""
    return [int(number) for number in re.findall(r"_chunks: chunk (\d+)", worker.text)]


def all_run(worker: Program) -> bool:
    """Whether it runs all three jobs."""
    return (
        all(f"{name}: started" in worker.text for name in ("ignores_it", "handles_the_interrupt"))
        and len(chunks(worker)) > 1
    )


def test_long_jobs_at_a_stop(shell: Terminal, database: PrivateDatabase) -> None:
    page = Page(ROOT / "examples/c_shutdown/README.md")
    worker = shell.start(WORKER)
    worker.wait_for("worker.started")
    enqueued = shell.run(ENQUEUE)
    wait_until(lambda: all_run(worker), 60, what="three running jobs")
    worker.send(signal.SIGINT)
    code = worker.ends()
    status = shell.run("proletarian status")
    again = shell.start(WORKER)
    wait_until(lambda: all_run(again), 60, what="three running jobs, again")
    again.send(signal.SIGTERM)
    again.wait_for("worker.stopping")
    again.send(signal.SIGTERM)

    assert (code, again.ends()) == (4, 4)
    for command, output in ((WORKER, worker.text), (ENQUEUE, enqueued.text), ("proletarian status", status.text)):
        page.check(command, output)
    assert page.unchecked() == set()

    done, done_later = chunks(worker), chunks(again)
    assert done + done_later == list(range(len(done + done_later))), "a chunk was left out or done twice"

    attempts = database.rows(f"SELECT attempts, lost, errors FROM {database.table('job')}")
    assert attempts == [(0, 0, None)] * 3, "nothing of this counts as a failure"
