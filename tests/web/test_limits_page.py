"""Limits in a browser, with and without JavaScript: how it stands in each lane, and what people set and lift."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from proletarian import Limit, NewJob, Tasks, Worker, limits
from proletarian.web import Access, Dashboard
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.web.served import OURS, Site, served

tasks = Tasks()
end = threading.Event()


@tasks.task(limit=Limit(1, per="account"))
def send(account: int) -> None:
    """It runs until the test has seen it."""
    end.wait(30)


@tasks.task(limit=Limit(rate=1, seconds=3600, name="calls"))
def call() -> None:
    """One an hour."""


@pytest.fixture
def site(sqlite: PrivateDatabase) -> Iterator[Site]:
    """A dashboard beside a worker: one lane is full, one waits for its rate, and one is under an unknown limit."""
    end.clear()
    sqlite.put(send.job(1), send.job(1), call.job(), call.job(), NewJob("send", queue="elsewhere", lane="lost:1"))
    dashboard = Dashboard(sqlite.url, tasks, access=lambda request: Access[request.headers.get("x-access", "operate")])
    with Worker(sqlite.url, tasks), served(dashboard) as here:
        wait_until(lambda: sqlite.count("running_job") == 1 and sqlite.count("archived_job") == 1, what="runs")
        yield here
        end.set()


def test_lanes_say_what_runs_and_when_more_may(page: Page, site: Site) -> None:
    page.goto(site.address)
    page.get_by_role("link", name="Limits", exact=True).click()
    row = page.get_by_role("row")
    expect(row.filter(has_text="send:1")).to_contain_text("1 of 1")
    expect(row.filter(has_text="send:1")).to_contain_text("when a running job ends")
    expect(row.filter(has=page.get_by_role("link", name="calls")).last).to_contain_text(
        re.compile(r"blocked until \d\d:\d\d:\d\d UTC")
    )
    expect(row.filter(has_text="lost:1")).to_contain_text("no live worker knows this limit")
    page.get_by_role("region", name="Table of limits").get_by_role("link", name="send").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Limit send")
    expect(page.get_by_role("region", name="Lanes").locator("tbody tr")).to_have_count(1)
    page.get_by_role("region", name="Lanes").get_by_role("link", name="1", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(1)  # the job that runs


def test_a_limit_is_set_and_lifted(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(f"{site.address}/limits?name=send")
    expect(page.locator("main .lead")).to_have_text("1 at a time.")
    page.get_by_text("Change…", exact=True).click()
    page.get_by_label("At a time").fill("0")
    page.get_by_role("button", name="Set send").click()
    expect(page.get_by_role("status").filter(has_text="The limit send is set: nothing starts.")).to_be_visible()
    expect(page.locator("main")).to_contain_text("The code of the live workers says: 1 at a time.")
    expect(page.get_by_role("row").filter(has_text="send:1")).to_contain_text("the limit is set to 0")
    with sqlite.connection() as connection:
        assert [(one.name, one.running, one.by is not None) for one in limits(connection)] == [
            ("calls", None, False),
            ("send", 0, True),
        ]
    page.get_by_role("button", name="Lift").click()
    expect(page.get_by_role("status").filter(has_text="The limit send was lifted.")).to_be_visible()
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row").filter(has_text="set limit")).to_contain_text("nothing starts")
    with sqlite.connection() as connection:
        assert {one.set_at for one in limits(connection)} == {None}


def test_whoever_may_only_look_sees_no_form_and_is_refused(site: Site) -> None:
    said = {"X-Access": "read"}
    assert "/limits/set" not in site.get("/limits?name=send", **said).text
    assert site.post("/limits/set", {"name": "send", "running": 5}, {**OURS, **said}).status == 403
    assert site.post("/limits/lift", {"name": "send"}, {**OURS, **said}).status == 403
    assert site.post("/limits/set", {"running": 5}).status == 400
    for form in ({}, {"running": "-1"}, {"rate": "1", "seconds": "nan"}, {"burst": 3}, {"running": 1, "rate": "1.5"}):
        answer = site.post("/limits/set", {"name": "send", **form})
        assert (answer.status, 'role="alert"' in answer.text) == (400, True), form


def test_the_same_as_json(site: Site) -> None:
    found = json.loads(site.get("/api/v1/limits").text)
    assert [(one["name"], one["held"], one["code"]) for one in found["limits"]] == [
        ("calls", 0, "1 in 3600 s"),
        ("send", 1, "1 at a time"),
    ]
    assert [(one["lane"], one["limit"], one["waiting"]) for one in found["lanes"]] == [
        ("calls", "calls", 1),
        ("lost:1", "lost", 1),
        ("send:1", "send", 1),
    ]
    assert found["next"] is None
