"""However many look, however much there is: one look a second, a bound for each statement, a page that says so."""

from __future__ import annotations

import http.client
import re
import threading
import time
from typing import Any

import pytest

from proletarian import NewJob, count_jobs, find_jobs
from proletarian.drivers.families.sqlite import OwnSQLite
from proletarian.sql.finding import WINDOWS
from proletarian.web import Access, Dashboard
from tests.conftest import DatabaseOf
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.web.seeded import tasks
from tests.web.served import Site, served


def test_a_hundred_open_tabs_cost_the_database_a_look_a_second(dashboard: Dashboard, site: Site) -> None:
    streams = []
    for _ in range(100):
        connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=10)
        connection.request("GET", "/live?of=/")
        streams.append((connection, connection.getresponse()))
    try:
        heard = [0] * len(streams)

        def listen(place: int, response: Any) -> None:
            while heard[place] < 2:
                if b"<p class=" in response.readline():
                    heard[place] += 1

        threads = [threading.Thread(target=listen, args=(n, response)) for n, (_, response) in enumerate(streams)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(20)
        assert set(heard) == {2}
        looks, began = dashboard.desk.looks, time.monotonic()
        wait_until(lambda: dashboard.desk.looks >= looks + 2)
        assert dashboard.desk.looks - looks <= (time.monotonic() - began) + 2
    finally:
        for connection, _ in streams:
            connection.close()
    wait_until(lambda: not any(hub._showing for hub in dashboard.fresh.hubs.values()), what="streams that have ended")


def test_tabs_that_ask_themselves_share_what_was_seen(dashboard: Dashboard, site: Site) -> None:
    looks = dashboard.desk.looks
    began = time.monotonic()
    texts = {site.get("/live?of=/&once=1").text for _ in range(20)}

    assert all("lead" in text for text in texts)
    assert dashboard.desk.looks - looks <= 1 + (time.monotonic() - began)


def test_a_statement_that_takes_too_long_is_ended_and_the_page_says_so(
    sqlite: PrivateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.put(*[NewJob("greet", {"n": n}) for n in range(20_000)])
    ended = OwnSQLite.end_after
    monkeypatch.setattr(OwnSQLite, "end_after", lambda connection, seconds: ended(connection, 0.0))
    with served(Dashboard(sqlite.url, tasks, access=lambda request: Access.read)) as site:
        answer = site.get("/jobs?q=payload.n:1")
        assert answer.status == 503
        assert "This took too long" in answer.text
        assert "Nothing was changed" in answer.text
        asked = site.get("/api/v1/jobs?q=payload.n:1")
        assert (asked.status, "LookTookTooLong" in asked.text) == (503, True)


def test_a_database_that_is_away_is_said_to_be(tmp_path: Any) -> None:
    dashboard = Dashboard("postgresql://nobody:s3cret@127.0.0.1:1/none", access=lambda request: Access.read)
    with served(dashboard) as site:
        answer = site.get("/")
        assert answer.status == 503
        assert "cannot be reached" in answer.text
        assert "s3cret" not in answer.text


def test_a_bulk_goes_on_from_where_it_stopped(
    dashboard: Dashboard, site: Site, sqlite: PrivateDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    from proletarian.web.pages import bulk

    monkeypatch.setattr(bulk, "BATCH", 2)
    monkeypatch.setattr(bulk, "SPELL", 0.0)
    sqlite.put(*[NewJob("old", {"n": n}) for n in range(5)])
    form, changed = {"q": "type:old"}, []
    while (answer := site.post("/bulk/cancel", form)).status == 200:
        form = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', answer.text))
        changed.append(form["changed"])

    assert (answer.status, changed) == (303, ["2", "4"])
    assert "5%20jobs%20cancelled" in answer.headers["set-cookie"]
    assert sqlite.rows("SELECT count(*) FROM proletarian_archived_job WHERE job_type = 'old'") == [(5,)]
    noted = sqlite.rows("SELECT action, target, jobs FROM proletarian_audit")
    assert noted == [("cancel jobs", noted[0][1], 2), ("cancel jobs", noted[0][1], 2), ("cancel jobs", noted[0][1], 1)]


def test_a_look_for_a_state_that_no_job_is_in_ends_after_so_many_rows(database: PrivateDatabase) -> None:
    database.put(*[NewJob("greet")] * (sum(WINDOWS) + 1))
    with database.connection() as connection:
        page = find_jobs(connection, "state:scheduled")
        counted = count_jobs(connection, "state:scheduled")

    assert (len(page), page.looked_at) == (0, sum(WINDOWS))
    assert page.next is not None, "more rows are there, and another look may go on"
    assert str(counted) == "0+"


@pytest.mark.parametrize("product", ["mariadb", "mysql"])  # elsewhere it reads on, which is quick there
def test_a_look_for_recent_changes_ends_with_the_first_window_that_has_none(
    product: str, database_of: DatabaseOf
) -> None:
    database = database_of(product)
    jobs = database.put(*[NewJob("greet")] * (4 * WINDOWS[0]))
    waiting, archive = database.table("job"), database.table("archived_job")
    columns = "job_id, queue, job_type, payload, attempts, enqueued_at, process_at"
    long_ago = f"CASE WHEN job_id >= X'{jobs[-10].hex}' THEN enqueued_at ELSE '2020-01-01' END"
    database.rows(
        f"INSERT INTO {archive} ({columns}, status, finished_at) SELECT {columns}, 'failure', {long_ago} FROM {waiting}"
    )
    database.rows(f"DELETE FROM {waiting}")
    with database.connection() as connection:
        page = find_jobs(connection, "state:failed since:1h")
        rest = find_jobs(connection, "state:failed since:1h", after=page.next)

    assert [job.job_id for job in page] == jobs[:-11:-1]
    assert (page.looked_at, page.next is not None) == (2 * WINDOWS[0], True)
    assert (len(rest), rest.next) == (0, None)
