"""Pages, acts and the audit on each of the four databases."""

from __future__ import annotations

import json

from proletarian.connections.database import Database
from proletarian.sql.auditing import entries, note
from proletarian.web import Access, Dashboard
from tests.databases import PrivateDatabase
from tests.web.acts import acts_on
from tests.web.seeded import seed, states, tasks
from tests.web.served import served

PAGES = ("/", "/jobs", "/jobs?q=state:failed", "/failures", "/queues", "/schedules", "/schedules/change?name=digest",
         "/limits", "/workers", "/system", "/audit", "/bulk?do=retry&q=state:failed")  # fmt: skip


def test_every_page_is_shown_and_every_act_is_in_the_audit(database: PrivateDatabase) -> None:
    seed(database)
    with served(Dashboard(database.url, tasks, access=lambda request: Access.admin.by("Zoë"))) as site:
        for path in PAGES:
            assert site.get(path).status == 200, path
        failed = json.loads(site.get("/api/v1/jobs?q=state:failed&limit=1").text)
        [job] = failed["jobs"]
        assert (job["state"], job["payload"]["token"]) == ("failed", "********")
        assert failed["next"]
        [group] = json.loads(site.get("/api/v1/failures").text)["failures"]
        assert (group["job_type"], group["error"], group["count"]) == ("charge", "CardDeclined", 2)
        assert group["where"].endswith(" in charge")
        for path, form in acts_on(job["job_id"]):
            answer = site.post(path, form)
            assert answer.status == 303, (path, answer.text)
        assert site.post("/job/retry", {"id": job["job_id"]}).status == 409
        assert site.post("/schedules/run", {"name": "none"}).status == 404
        acts = [
            (act["action"], act["jobs"], act["who"]) for act in json.loads(site.get("/api/v1/audit").text)["entries"]
        ]

    assert acts[::-1] == [
        (action, jobs, "Zoë")
        for action, jobs in [
            ("retry job", 1), ("cancel job", 1), ("retry job", 1), ("run job now", 1), ("delete job", 1),
            ("retry jobs", 1), ("run jobs", 2), ("cancel jobs", 3), ("delete jobs", 7), ("pause queue", None),
            ("resume queue", None), ("pause schedule", None), ("resume schedule", None), ("run schedule", None),
            ("change schedule", None),
            ("set limit", None), ("lift limit", None),
        ]
    ]  # fmt: skip
    assert "success" not in states(database)


def test_the_audit_goes_back_page_by_page(database: PrivateDatabase) -> None:
    own = Database(database.url)
    for number in range(3):
        own.run(note(own.dialect, "ann", "pause queue", f"mäil {number}", "x" * 5_000))
    newest, middle = own.run(entries(own.dialect, 2))
    [oldest] = own.run(entries(own.dialect, 2, middle.entry_id))

    assert [entry.target for entry in (newest, middle, oldest)] == ["mäil 2", "mäil 1", "mäil 0"]
    assert len(newest.detail) == 2_000
    assert newest.at.utcoffset() is not None
