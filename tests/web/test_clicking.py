"""What people do in a browser, with and without JavaScript: real clicks, and what became of the jobs."""

from __future__ import annotations

import re
import time

from playwright.sync_api import Browser, Page, Route, expect

from proletarian import find_jobs, pauses, reschedule
from proletarian.web import Dashboard
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.web.conftest import tab
from tests.web.seeded import states
from tests.web.served import Site


def test_from_the_overview_to_a_failed_job_and_its_retry(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(site.address)
    expect(page.get_by_role("heading", name="Needs attention")).to_be_visible()
    matter = page.get_by_role("listitem").filter(has_text="charge fails with CardDeclined: 2 in the last hour")
    matter.get_by_role("link", name="Failures").click()

    page.get_by_role("link", name="Latest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("charge")
    expect(page.locator("main")).to_contain_text("order 3: insufficient funds <b>&</b>")
    expect(page.locator("main")).to_contain_text(re.compile(r"seeded\.py:\d+ in charge"))
    expect(page.locator("main")).to_contain_text(re.compile(r"Attempt 1 failed on \S+ after [\d.]+ m?s"))
    page.get_by_text("Traceback", exact=True).click()
    expect(page.get_by_text("raise CardDeclined")).to_be_visible()
    page.get_by_role("button", name="Retry").click()

    expect(page.get_by_role("status").filter(has_text="It is waiting again, due now.")).to_be_visible()
    expect(page.locator("main .lead")).to_contain_text("waiting")
    assert states(sqlite)["failure"] == 1


def test_secrets_are_hidden_until_somebody_answers_for_it(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/jobs?q=type:charge state:failed")
    page.locator("tbody th a").first.click()
    expect(page.get_by_label("Payload")).to_contain_text('"token": "********"')

    page.goto(f"{site.address}/jobs?q=state:succeeded type:welcome")
    page.locator("tbody th a").first.click()
    expect(page.get_by_label("Result")).not_to_contain_text("hunter2")
    page.get_by_role("button", name="Show hidden values").click()
    expect(page.get_by_label("Result")).to_contain_text("hunter2")
    page.get_by_role("link", name="Audit").click()

    row = page.get_by_role("row").filter(has_text="reveal secrets")
    expect(row).to_contain_text("ann")


def test_a_filter_its_slips_and_what_it_means_for_all(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(f"{site.address}/jobs")
    box = page.get_by_role("searchbox", name="Filter")
    box.fill("type:charge payload.order:3")
    box.press("Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    page.get_by_role("link", name="Clear").click()

    page.get_by_role("link", name=re.compile("^failed 2")).click()
    expect(page.locator("tbody tr")).to_have_count(2)
    page.get_by_role("link", name="Retry…").click()
    expect(page.locator("main")).to_contain_text("2 jobs match.")
    assert states(sqlite)["failure"] == 2  # nothing has happened yet
    page.get_by_role("button", name="Retry 2 jobs").click()

    expect(page.get_by_role("status").filter(has_text="2 jobs retried.")).to_be_visible()
    assert "failure" not in states(sqlite)


def test_a_job_is_cancelled_with_a_reason_and_deleted(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(f"{site.address}/jobs?q=tag:vip")
    page.locator("tbody th a").click()
    expect(page.locator("main .lead")).to_contain_text("It is not due before")
    page.get_by_text("Cancel…", exact=True).click()
    page.get_by_label("Why").fill("asked by mail")
    page.get_by_role("button", name="Cancel this job").click()
    expect(page.locator("main")).to_contain_text("asked by mail (by ann)")
    page.get_by_text("Delete…", exact=True).click()
    page.get_by_role("button", name="Delete this job").click()

    expect(page.get_by_role("status").filter(has_text="was deleted.")).to_be_visible()
    with sqlite.connection() as connection:
        assert find_jobs(connection, "tag:vip") == []


def test_updates_wait_for_a_form_that_somebody_fills_in(
    browser: Browser, dashboard: Dashboard, site: Site, sqlite: PrivateDatabase
) -> None:
    with tab(browser) as page:
        page.goto(f"{site.address}/jobs?q=tag:vip")
        page.locator("tbody th a").click()
        page.get_by_text("Cancel…", exact=True).click()
        page.get_by_label("Why").fill("asked by")
        with sqlite.connection() as connection:
            reschedule(connection, "tag:vip", priority=3)
            connection.commit()
        expect(page.get_by_text("Updates wait for the form")).to_be_visible()
        page.get_by_label("Why").press_sequentially(" mail")
        page.get_by_role("button", name="Cancel this job").click()

        expect(page.locator("main")).to_contain_text("asked by mail (by ann)")


def test_a_queue_goes_on_and_is_paused_again(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(site.address)
    matter = page.get_by_role("listitem").filter(has_text="images has been paused")
    expect(matter).to_contain_text("by ann: the disk is full. 1 job waiting.")
    matter.get_by_role("button", name="Resume").click()
    expect(page.get_by_role("status").filter(has_text="The queue images was resumed.")).to_be_visible()
    card = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="mail"))
    card.get_by_text("Pause…", exact=True).click()
    card.get_by_label("Why").fill("smtp is down")
    card.get_by_role("button", name="Pause mail").click()

    expect(page.locator("main")).to_contain_text("by ann: smtp is down")
    with sqlite.connection() as connection:
        assert [(paused.queue, paused.reason, paused.by) for paused in pauses(connection)] == [
            ("mail", "smtp is down", "ann")
        ]


def test_a_schedule_is_paused_and_run_by_hand(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/schedules")
    monthly = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="monthly report"))
    expect(monthly.locator("tbody tr")).to_have_count(5)
    expect(monthly).to_contain_text("Europe/Berlin")
    monthly.get_by_role("button", name="Pause").click()
    expect(monthly).to_contain_text("It will not fire until it is resumed.")
    monthly.get_by_role("button", name="Run now").click()

    expect(page.get_by_role("heading", level=1)).to_have_text("welcome")
    expect(page.locator("main")).to_contain_text("monthly report")


def test_a_schedule_that_people_made_is_changed(page: Page, site: Site, sqlite: PrivateDatabase) -> None:
    page.goto(f"{site.address}/schedules")
    digest = page.get_by_role("listitem").filter(has=page.get_by_role("heading", name="digest"))
    digest.get_by_role("link", name="Change…").click()
    expect(page.get_by_label("Cron")).to_have_value("0 7 * * 1-5")
    expect(page.get_by_label("Payload")).to_have_value(re.compile(r'"token": "\*{8}"'))
    page.get_by_label("Cron").fill("30 8 * * *")
    page.get_by_label("Time zone").fill("Asia/Tokyo")
    page.get_by_label("Missed ticks").select_option("skip")
    page.get_by_label("Payload").fill('{"order": 12, "token": "********"}')
    page.get_by_role("button", name="Change digest").click()

    expect(page.get_by_role("status").filter(has_text="The schedule digest was changed.")).to_be_visible()
    expect(digest.locator("thead")).to_contain_text("Asia/TokyoUTC")
    expect(digest.locator("tbody tr")).to_have_count(5)
    expect(digest.locator("tbody tr").first).to_contain_text(re.compile(r"08:30:00.*23:30:00"))
    stored = sqlite.rows("SELECT cron, tz, missed, payload FROM proletarian_schedule WHERE name = 'digest'")
    assert stored == [("30 8 * * *", "Asia/Tokyo", "skip", '{"order":12,"token":"s3cret"}')]
    page.get_by_role("link", name="Audit").click()
    row = page.get_by_role("row").filter(has_text="change schedule")
    expect(row).to_contain_text("30 8 * * *, Asia/Tokyo, missed: skip; its payload was changed")


def test_what_cannot_be_a_schedule_is_explained_and_nothing_is_changed(site: Site, sqlite: PrivateDatabase) -> None:
    stored = sqlite.rows("SELECT * FROM proletarian_schedule WHERE name = 'digest'")
    right = {"name": "digest", "cron": "0 7 * * 1-5", "every": "", "tz": "Europe/Warsaw", "missed": "once"}
    for wrong, said in [
        ({"cron": "every day"}, "every day"),
        ({"tz": "Europe/Nowhere"}, "Europe/Nowhere"),
        ({"every": "5m"}, "give either a cron expression"),
        ({"cron": ""}, "give either a cron expression"),
        ({"cron": "", "every": "often"}, "is not a duration"),
        ({"missed": "twice"}, "missed is"),
        ({"payload": "{"}, "the payload is not JSON"),
        ({"payload": '{"other": "********"}'}, "nothing is stored there"),
    ]:
        answer = site.post("/schedules/change", {**right, **wrong})
        assert (answer.status, said in answer.text) == (400, True), answer.text
    declared = site.post("/schedules/change", {**right, "name": "sync"})
    assert (declared.status, "is declared in code: change it there" in declared.text) == (409, True)
    assert site.get("/schedules/change?name=sync").status == 409
    assert site.get("/schedules/change?name=none").status == 404
    assert sqlite.rows("SELECT * FROM proletarian_schedule WHERE name = 'digest'") == stored


def test_a_theme_is_chosen(page: Page, site: Site) -> None:
    page.goto(f"{site.address}/jobs?q=state:failed")
    page.get_by_role("button", name="Dark").click()

    expect(page).to_have_url(re.compile(r"/jobs\?q=state(:|%3A)failed$"))
    assert page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor") == "rgb(22, 21, 19)"


def test_a_page_stays_fresh_keeps_what_is_open_and_can_be_paused(
    browser: Browser, dashboard: Dashboard, site: Site, sqlite: PrivateDatabase
) -> None:
    from tests.web.seeded import welcome

    def enqueue_one() -> None:
        with sqlite.connection() as connection:
            welcome.using(process_in=3600).enqueue(connection, user=77)
            connection.commit()

    def late(route: Route) -> None:
        time.sleep(0.5)
        route.continue_()

    with tab(browser) as page:
        page.route("**/hx-sse.min.js", late)  # on a slow line htmx is there before its extension
        page.goto(site.address)
        page.get_by_text("As a table").first.click()
        mail = page.get_by_role("row").filter(has=page.get_by_role("link", name="mail"))
        expect(mail.get_by_role("cell").nth(3)).to_have_text("1")
        enqueue_one()
        expect(mail.get_by_role("cell").nth(3)).to_have_text("2")
        expect(page.get_by_role("region", name="Minutes")).to_be_visible()  # as it was left

        page.get_by_role("button", name="Pause updates").click()
        enqueue_one()
        looks = dashboard.desk.looks
        wait_until(lambda: dashboard.desk.looks >= looks + 3, what="looks that this tab does not show")
        expect(mail.get_by_role("cell").nth(3)).to_have_text("2", timeout=1)
        page.get_by_role("button", name="Resume updates").click()
        expect(mail.get_by_role("cell").nth(3)).to_have_text("3")
