"""The dashboard inside the three example applications: each is started, logged in to, and clicked through."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from servers.port import unused_port
from tests.cli.terminal import ROOT, Program, Terminal, terminal
from tests.databases import PrivateDatabase
from tests.frameworks.web import Web
from tests.web.conftest import tab
from tests.web.served import Site

PASSWORD = "only for the example"


@pytest.fixture
def port() -> int:
    """A port that nobody uses."""
    return unused_port()


@pytest.fixture
def shell(sqlite: PrivateDatabase, tmp_path: Path) -> Iterator[Terminal]:
    """A terminal in the project's folder that knows the database."""
    with terminal(ROOT, tmp_path, PROLETARIAN_DATABASE=sqlite.url, DATABASE=sqlite.url) as opened:
        yield opened


def start(shell: Terminal, port: int, command: str, path: str) -> tuple[Web, Program]:
    """The application, once it answers."""
    web, server = Web(port), shell.start(command)
    web.wait_for(path, server)
    return web, server


def cancel_the_job(page: Page, address: str, job_type: str, queue: str, who: str) -> None:
    """From the overview to the job, and it is cancelled."""
    page.goto(f"{address}/ops/jobs/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Overview")
    page.get_by_role("link", name=queue, exact=True).click()
    expect(page).to_have_url(re.compile(rf"^{re.escape(address)}/ops/jobs/jobs\?q="))
    page.get_by_role("link", name=job_type).first.click()
    page.get_by_text("Cancel…", exact=True).click()
    page.get_by_label("Why").fill("only tried")
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.get_by_role("status").filter(has_text="Cancelled: it will not run.")).to_be_visible()
    page.get_by_role("button", name="Dark").click()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row").filter(has_text="only tried")).to_contain_text(who)


def test_fastapi(shell: Terminal, sqlite: PrivateDatabase, browser: Browser, port: int) -> None:
    assert shell.run("alembic -c examples/fastapi_app/alembic.ini upgrade head").code == 0
    web, _ = start(shell, port, f"uvicorn examples.fastapi_app.app:app --port {port}", "/accounts")
    web.ask("POST", "/accounts", {"email": "ann@example.org"})
    assert web.ask("GET", "/ops/jobs/")[0] == 401
    with tab(browser, http_credentials={"username": "ann", "password": PASSWORD}) as page:
        cancel_the_job(page, web.address, "send_welcome", "mail", "ann")

    assert sqlite.archive() == [("send_welcome", "cancelled")]


def test_flask(shell: Terminal, sqlite: PrivateDatabase, browser: Browser, port: int) -> None:
    web, _ = start(shell, port, f"flask --app examples.flask_app.app run --port {port}", "/subscribers")
    web.ask("POST", "/subscribers", {"email": "ann@example.org"})
    with tab(browser) as page:
        page.goto(f"{web.address}/ops/jobs/")
        page.get_by_label("Name").fill("bob")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Log in").click()
        cancel_the_job(page, web.address, "ask_for_consent", "newsletter", "bob")

    assert sqlite.archive() == [("ask_for_consent", "cancelled")]
    assert Site(port).post("/ops/jobs/queues/pause", {"queue": "mail"}).status == 302  # to the login


def test_django(shell: Terminal, browser: Browser, port: int, tmp_path: Path) -> None:
    shell.folder = ROOT / "examples/django_app"
    shell.environment |= {"DATABASE": f"sqlite:///{tmp_path}/shop.db", "DJANGO_SUPERUSER_PASSWORD": "s3cret"}
    assert shell.run("python manage.py migrate").code == 0
    assert shell.run("python manage.py createsuperuser --no-input --username zoe --email z@example.org").code == 0
    web, _ = start(shell, port, f"python manage.py runserver --noreload {port}", "/admin/login/")
    with tab(browser) as page:
        page.goto(f"{web.address}/ops/jobs/jobs?q=queue:mail")
        page.get_by_label("Username").fill("zoe")
        page.get_by_label("Password").fill("s3cret")
        page.get_by_role("button", name="Log in").click()
        expect(page).to_have_url(re.compile(r"/ops/jobs/jobs\?q="))  # where we wanted to go
        page.evaluate("fetch('/orders', {method: 'POST', body: new URLSearchParams({email: 'ann@example.org'})})")
        cancel_the_job(page, web.address, "confirm", "mail", "zoe")
        stays_fresh = page.goto(f"{web.address}/ops/jobs/live?of=/&once=1")

        assert stays_fresh is not None
        assert stays_fresh.ok
        assert page.locator("body").inner_text().startswith("No worker is alive")
