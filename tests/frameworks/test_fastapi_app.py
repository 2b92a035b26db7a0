"""The FastAPI example, served by uvicorn and asked over HTTP, as its page says."""

from __future__ import annotations

import signal

import pytest

from servers.port import unused_port
from tests.cli.terminal import ROOT, Terminal
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.examples.page import Page
from tests.frameworks.web import Web
from tests.waiting import wait_until

SERVE = "uvicorn examples.fastapi_app.app:app"
SERVE_ALL = f"env WORKER=1 {SERVE}"
ALEMBIC = "alembic -c examples/fastapi_app/alembic.ini"
MIGRATE = f"{ALEMBIC} upgrade head"
WORK = "proletarian worker examples.fastapi_app.jobs --queue mail=2"
SIGN_UP = 'curl --json \'{"email": "ann@example.org"}\' localhost:8000/accounts'
REGRET = 'curl --json \'{"email": "bob@example.org"}\' localhost:8000/regrets'
LOOK = "curl localhost:8000/accounts"

ANN = {"email": "ann@example.org", "id": 1}


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, new_database: DatabaseOf) -> PrivateDatabase:
    """A database without tables."""
    return new_database(request.param)


@pytest.fixture
def port() -> int:
    return unused_port()


@pytest.fixture
def web(port: int) -> Web:
    return Web(port)


def test_the_page(shell: Terminal, database: PrivateDatabase, port: int, web: Web) -> None:
    page = Page(ROOT / "examples/fastapi_app/README.md")
    migrated = shell.run(MIGRATE)
    server = shell.start(f"{SERVE} --port {port}")
    web.wait_for("/accounts", server)
    signed_up, signed_up_text = web.ask("POST", "/accounts", {"email": "ann@example.org"})
    regretted, regretted_text = web.ask("POST", "/regrets", {"email": "bob@example.org"})
    waiting = database.rows(f"SELECT job_type, payload FROM {database.table('job')}")
    worker = shell.start(WORK)
    wait_until(lambda: database.count("archived_job"), 60, what="the end of the job")
    worker.send(signal.SIGTERM)
    ended = worker.ends()
    _, accounts_text = web.ask("GET", "/accounts")
    server.send(signal.SIGTERM)
    server.ends()

    assert (signed_up, regretted, ended) == (201, 409, 0)
    assert waiting == [("send_welcome", '{"account_id":1}')]
    assert database.archive() == [("send_welcome", "success")]
    assert worker.text.count("mail: ") == 1
    for command, output in (
        (MIGRATE, migrated.text),
        (SERVE, server.text.replace(str(port), "8000")),
        (SIGN_UP, signed_up_text),
        (REGRET, regretted_text),
        (WORK, worker.text),
        (LOOK, accounts_text),
    ):
        page.check(command, output)
    assert page.unchecked() == {SERVE_ALL}


def test_a_worker_within_the_application(shell: Terminal, database: PrivateDatabase, port: int, web: Web) -> None:
    shell.run(MIGRATE)
    server = shell.start(f"{SERVE_ALL} --port {port}")
    web.wait_for("/accounts", server)
    web.ask("POST", "/accounts", {"email": "ann@example.org"})
    web.ask("POST", "/regrets", {"email": "bob@example.org"})
    wait_until(lambda: web.get("/accounts") == [{**ANN, "welcomed": True}], 60, what="the mail to Ann")
    server.send(signal.SIGTERM)
    server.ends()

    assert server.text.count("mail: ") == 1
    assert database.archive() == [("send_welcome", "success")]
    assert database.count("worker") == 0


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_without_tables_the_application_does_not_start(shell: Terminal, database: PrivateDatabase, port: int) -> None:
    for command in (SERVE, SERVE_ALL):
        server = shell.start(f"{command} --port {port}")

        assert server.ends() != 0
        assert "run `proletarian migrate" in server.text


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_its_revisions(shell: Terminal, database: PrivateDatabase) -> None:
    """Up, with nothing missing; down; and as SQL."""
    up = shell.run(MIGRATE)
    checked = shell.run(f"{ALEMBIC} check")
    printed = shell.run(f"{ALEMBIC} upgrade head --sql")
    down = shell.run(f"{ALEMBIC} downgrade base")

    assert (up.code, checked.code, printed.code, down.code) == (0, 0, 0, 0), up.text + checked.text + down.text
    assert "No new upgrade operations detected" in checked.text
    assert f"CREATE TABLE IF NOT EXISTS {database.table('running_job')}" in printed.out
    assert database.rows("SELECT * FROM pg_tables WHERE schemaname = 'proletarian' OR tablename = 'account'") == []
