"""The page of one job, with and without JavaScript: the flow around it, and the steps that it has taken."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from proletarian import Flow, Job, NewJob, Tasks, Worker
from proletarian.web import Access, Dashboard
from proletarian.web.flow import MOST_JOBS
from tests.databases import PrivateDatabase
from tests.web.served import Site, served

tasks = Tasks()


@tasks.task
def render(page: int) -> str:
    """A part of a book."""
    return f"page {page}"


@tasks.task
def bind(job: Job) -> None:
    """Binds it, in steps."""
    job.step("cut", lambda: {"sheets": 3, "api_key": "s3cret"})
    job.step("sew", lambda: "x" * 200)


@tasks.task(queue="nobody")
def ship() -> None:
    """It waits for the book."""


@pytest.fixture
def site(sqlite: PrivateDatabase) -> Iterator[Site]:
    """A dashboard on SQLite."""
    with served(Dashboard(sqlite.url, tasks, access=lambda request: Access.operate.by("ann"))) as here:
        yield here


def a_book(database: PrivateDatabase) -> dict[str, Any]:
    """The ids of a flow: three parts, a book of them, and two that wait for it."""
    flow = Flow()
    parts = [flow.add(render.job(page=page)) for page in range(3)]
    book = flow.add(bind.job(), after=parts)
    flow.add(ship.job(), after=[book])
    flow.add(NewJob("bill", queue="nobody"), after=[book, parts[0]])
    with database.connection() as connection:
        *rendered, bound, shipped, billed = flow.enqueue(connection)
        connection.commit()
    return {"parts": rendered, "bind": bound, "ship": shipped, "bill": billed}


def test_what_waits_for_what_is_a_link(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    ids = a_book(sqlite)
    page.goto(f"{site.address}/job?id={ids['bind']}")
    expect(page.locator("main")).to_contain_text("Waits for 3 jobs; 2 jobs wait for it.")
    expect(page.locator("svg.flow rect")).to_have_count(6)
    expect(page.locator("svg.flow > path")).to_have_count(6)
    before = page.get_by_role("group").filter(has_text="It waits for: 3 jobs")
    expect(before.get_by_role("listitem").first).to_contain_text("waiting")
    page.locator("svg.flow a").filter(has_text="ship").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("ship")
    expect(page.locator("svg.flow rect")).to_have_count(5)  # the book, and its parts before it
    page.get_by_role("group").filter(has_text="It waits for: 1 job").get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("bind")


def test_steps_are_shown_and_their_secrets_are_not(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    ids = a_book(sqlite)
    Worker(sqlite.url, tasks).drain()
    page.goto(f"{site.address}/job?id={ids['bind']}")
    steps = page.get_by_role("region", name="Steps")
    expect(steps.get_by_role("row").nth(1)).to_contain_text(re.compile(r"cut.*ago|cut.*now"))
    expect(steps).to_contain_text('"api_key": "********"')
    steps.get_by_text("202 characters").click()
    expect(page.get_by_role("region", name="Result of sew")).to_contain_text("xxx")
    page.get_by_role("button", name="Show hidden values").click()
    expect(page.get_by_role("region", name="Steps")).to_contain_text("s3cret")
    expect(page.locator("main")).to_contain_text("Waited for 3 jobs; 2 jobs waited for it.")


def test_a_flow_of_thousands_is_drawn_in_part_and_says_so(site: Site, sqlite: PrivateDatabase) -> None:
    flow = Flow()
    parts = [flow.add(render.job(page=page)) for page in range(2_000)]
    book = flow.add(bind.job(), after=parts)
    for _ in range(50):
        flow.add(ship.job(), after=[flow.add(bind.job(), after=[book])])
    with sqlite.connection() as connection:
        ids = flow.enqueue(connection)
        connection.commit()
    text = site.get(f"/job?id={ids[2_000]}").text

    assert "Waits for 100 jobs or more; 50 jobs wait for it." in text
    assert 10 < text.count("<rect width=") <= MOST_JOBS
    assert "Only part of the flow is drawn" in text
    assert len(text) < 100_000
    lone = site.get(f"/job?id={sqlite.put(NewJob('lone'))[0]}").text
    assert '<h2 id="flow-title">' not in lone
