"""Example B, as its page says."""

from __future__ import annotations

import signal

from servers.port import unused_port
from tests.cli.terminal import ROOT, Terminal
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.waiting import wait_until

PARTNER = "python -m examples.b_retries.partner"
WORKER = "python -m examples.b_retries.worker"
ENQUEUE = "python -m examples.b_retries.enqueue"
FAILURES = "python -m examples.b_retries.failures"


def test_failure_and_retries(shell: Terminal, database: PrivateDatabase) -> None:
    page = Page(ROOT / "examples/b_retries/README.md")
    shell.environment["PARTNER_PORT"] = str(unused_port())
    partner = shell.start(PARTNER)
    partner.wait_for("listening")
    worker = shell.start(WORKER)
    wait_until(lambda: database.count("worker") == 1, 60, what="the worker")
    enqueued = shell.run(ENQUEUE)
    worker.wait_for("/busy: 200, at attempt 3")
    worker.wait_for("FAILED: place_order {'path': '/broken'}")
    wait_until(lambda: database.count("archived_job") == 3, 60, what="three jobs in the archive")
    failures = shell.run(FAILURES)
    status = shell.run("proletarian status")
    worker.send(signal.SIGINT)
    ended = worker.ends()

    assert ended == 0
    assert failures.out == page.shown[FAILURES]
    assert worker.text.count("job.failed") == 6
    for command, output in (
        (PARTNER, partner.text),
        (WORKER, worker.text),
        (ENQUEUE, enqueued.text),
        (FAILURES, failures.text),
        ("proletarian status", status.text),
    ):
        page.check(command, output)
    assert page.unchecked() == set()
