"""Example A, as its page says."""

from __future__ import annotations

import signal

from tests.cli.terminal import ROOT, Terminal
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.waiting import wait_until

WORKER = "proletarian worker examples.a_basics.echo --queue default=2"
ENQUEUE = "python -m examples.a_basics.enqueue hello"
BY_HAND = 'proletarian enqueue echo \'{"message": "by hand"}\''
OWN_WORKER = "python -m examples.a_basics.worker"


def test_the_basics(shell: Terminal, database: PrivateDatabase) -> None:
    page = Page(ROOT / "examples/a_basics/README.md")
    worker = shell.start(WORKER)
    worker.wait_for("worker.started")
    enqueued = shell.run(ENQUEUE)
    by_hand = shell.run(BY_HAND)
    worker.wait_for("echo: by hand")
    wait_until(lambda: worker.text.count("two seconds later") == 2, 60, what="the job for later")
    wait_until(lambda: database.count("archived_job") == 3, 60, what="three jobs in the archive")
    status = shell.run("proletarian status")
    worker.send(signal.SIGINT)
    ended = worker.ends()
    own = shell.start(OWN_WORKER)
    own.wait_for("worker.started")
    own.send(signal.SIGTERM)
    own_ended = own.ends()

    assert (enqueued.code, ended, own_ended) == (0, 0, 0)
    assert worker.text.count("echo: hello\n") == 1
    assert "never see this" not in worker.text
    for command, output in (
        (WORKER, worker.text),
        (ENQUEUE, enqueued.text),
        (BY_HAND, by_hand.text),
        ("proletarian status", status.text),
        (OWN_WORKER, own.text),
    ):
        page.check(command, output)
    assert page.unchecked() == set()
