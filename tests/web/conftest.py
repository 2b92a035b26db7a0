"""
One Chromium for all tests of the dashboard, and a dashboard on a database with jobs of all kinds.

Where there is no Chromium its tests are skipped, and the summary at the end says so aloud.
"""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

from proletarian.web import Access, Dashboard
from tests.databases import PrivateDatabase
from tests.web.seeded import seed, tasks
from tests.web.served import Site, served

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
expect.set_options(timeout=20_000)  # of a busy machine, too
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """
    A Chromium, for all tests of a module.

    No longer: Playwright has an event loop running in this thread meanwhile, and tests of other modules start theirs.
    """
    if CHROMIUM is None:
        pytest.skip("NOT TESTED in a browser: there is no chromium (apt-get install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def dashboard(sqlite: PrivateDatabase) -> Dashboard:
    """A dashboard on SQLite, with jobs, for somebody who may do everything."""
    seed(sqlite)
    return Dashboard(sqlite.url, tasks, access=lambda request: Access.admin.by("ann"))


@pytest.fixture
def site(dashboard: Dashboard) -> Iterator[Site]:
    """The same, served."""
    with served(dashboard) as here:
        yield here


@contextlib.contextmanager
def tab(browser: Browser, **options: Any) -> Iterator[Page]:
    """A tab in which nothing may go wrong: no error of a script, no refusal of what a page wanted to load."""
    context = browser.new_context(**options)
    page = context.new_page()
    troubles: list[str] = []
    page.on("pageerror", lambda error: troubles.append(str(error)))

    def heard(message: ConsoleMessage) -> None:
        is_ours = not message.location.get("url", "").endswith("/favicon.ico")  # of a page of the host
        if message.type in ("error", "warning") and is_ours:
            troubles.append(f"{message.text} {message.location}")

    page.on("console", heard)
    try:
        yield page
    finally:
        context.close()
    assert troubles == []


@pytest.fixture(params=["with JavaScript", "without JavaScript"])
def page(browser: Browser, site: Site, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A tab, with and without JavaScript; closed before the site ends."""
    with tab(browser, java_script_enabled=request.param == "with JavaScript") as made:
        yield made
