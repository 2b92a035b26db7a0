"""The Flask example, served and asked over HTTP, as its page says."""

from __future__ import annotations

import re
import signal

import pytest

from proletarian import NewJob
from servers.port import unused_port
from tests.cli.terminal import ROOT, Terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.frameworks.web import Web
from tests.waiting import wait_until

FLASK = "flask --app examples.flask_app.app"
SERVE = f"{FLASK} run --port 8000"
STATUS = f"{FLASK} proletarian status"
WORK = f"{FLASK} proletarian worker"
SUBSCRIBE = 'curl --json \'{"email": "ann@example.org"}\' localhost:8000/subscribers'
REGRET = 'curl --json \'{"email": "bob@example.org"}\' localhost:8000/regrets'
LOOK = "curl localhost:8000/subscribers"

COLOURS = re.compile(r"\x1b\[\d*m")


@pytest.fixture(params=["sqlite", "mariadb"])
def database(request: pytest.FixtureRequest, new_database: DatabaseOf) -> PrivateDatabase:
    """A database with the jobs' tables, and without those of the application."""
    made = new_database(request.param)
    made.migrate()
    return made


def test_the_page(shell: Terminal, database: PrivateDatabase) -> None:
    page = Page(ROOT / "examples/flask_app/README.md")
    port = unused_port()
    web = Web(port)
    server = shell.start(SERVE.replace("8000", str(port)))
    web.wait_for("/subscribers", server)
    subscribed, subscribed_text = web.ask("POST", "/subscribers", {"email": "ann@example.org"})
    regretted, regretted_text = web.ask("POST", "/regrets", {"email": "bob@example.org"})
    waiting = database.rows(f"SELECT job_type, payload FROM {database.table('job')}")
    status = shell.run(STATUS)
    worker = shell.start(WORK)
    wait_until(lambda: database.count("archived_job"), 60, what="the end of the job")
    worker.send(signal.SIGTERM)
    ended = worker.ends()
    _, accounts_text = web.ask("GET", "/subscribers")
    server.send(signal.SIGTERM)
    server.ends()

    assert (subscribed, regretted, ended) == (201, 409, 0)
    assert waiting == [("ask_for_consent", '{"subscriber_id":1}')]
    assert database.archive() == [("ask_for_consent", "success")]
    assert worker.text.count("mail: ") == 1
    for command, output in (
        (SERVE, COLOURS.sub("", server.text)),
        (SUBSCRIBE, subscribed_text),
        (REGRET, regretted_text),
        (STATUS, status.text),
        (WORK, worker.text),
        (LOOK, accounts_text),
    ):
        page.check(command, output)
    assert page.unchecked() == set()


def test_jobs_run_in_child_processes_within_the_application_s_context(
    shell: Terminal, new_database: DatabaseOf
) -> None:
    """Which a child makes as the command line does: nothing names what a factory has made."""
    database = new_database("sqlite")
    database.migrate()
    shell.environment["PROLETARIAN_DATABASE"] = database.url
    shell.run(STATUS)  # makes the application's tables
    database.rows("INSERT INTO subscriber (id, email, asked) VALUES (1, 'ann@example.org', 0)")
    database.put(NewJob("ask_for_consent", {"subscriber_id": 1}, queue="newsletter"))
    done = shell.run(f"{WORK} --queue newsletter=processes:1 --drain")

    assert done.out == "mail: ann@example.org, do you want our newsletter?\n", done.err
    assert database.archive() == [("ask_for_consent", "success")]
    assert database.rows("SELECT asked FROM subscriber") == [(1,)]
