"""Who gets in, and what is refused: closed by default, no form of another site, nothing inline."""

from __future__ import annotations

import signal
from typing import Any

import pytest

from proletarian import ConfigurationError, find_jobs
from proletarian.web import Access, Dashboard
from tests.cli.terminal import Terminal, terminal
from tests.databases import PrivateDatabase
from tests.waiting import wait_until
from tests.web.seeded import states, tasks
from tests.web.served import OURS, Site, served


def test_an_access_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="access"):
        Dashboard("sqlite:///jobs.db")  # type: ignore[call-arg]
    with pytest.raises(ConfigurationError, match="access is a function of the request"):
        Dashboard("sqlite:///jobs.db", access=Access.read)  # type: ignore[arg-type]


@pytest.mark.parametrize("given", [Access.none, None, True, "admin", 3])
def test_whoever_is_not_let_in_sees_nothing(sqlite: PrivateDatabase, given: Any) -> None:
    with served(Dashboard(sqlite.url, tasks, access=lambda request: given)) as site:
        for path in ("/", "/jobs", "/job?id=1", "/api/v1/jobs", "/live?of=/", "/nothing"):
            answer = site.get(path)
            assert (answer.status, "<html" in answer.text) == (403, False)
        assert site.post("/queues/pause", {"queue": "mail"}).status == 403


def test_who_may_look_may_not_act_and_who_may_act_may_not_delete(dashboard: Dashboard, sqlite: PrivateDatabase) -> None:
    async def access(request: Any) -> Access:
        return Access[request.headers["x-access"]]

    dashboard._access = access
    before = states(sqlite)
    with sqlite.connection() as connection:
        [job, *_] = find_jobs(connection, "state:failed")
    with served(dashboard) as site:
        for level, path, form in [
            ("read", "/job/retry", {"id": job.job_id}),
            ("read", "/job/reveal", {"id": job.job_id}),
            ("read", "/bulk/retry", {"q": "state:failed"}),
            ("operate", "/job/delete", {"id": job.job_id}),
            ("operate", "/bulk/delete", {"q": "state:failed"}),
        ]:
            answer = site.post(path, form, {**OURS, "X-Access": level})
            assert answer.status == 403
            assert "This needs the access" in answer.text
        assert "Retry" not in site.get(f"/job?id={job.job_id}", **{"X-Access": "read"}).text
        assert "Delete" not in site.get(f"/job?id={job.job_id}", **{"X-Access": "operate"}).text

    assert states(sqlite) == before


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://evil.example", "Sec-Fetch-Site": "cross-site"},
    ],
)
def test_a_form_of_another_site_is_refused(site: Site, sqlite: PrivateDatabase, headers: dict[str, str]) -> None:
    before = states(sqlite)
    answer = site.post("/bulk/delete", {"q": "queue:*"}, headers)

    assert answer.status == 403
    assert states(sqlite) == before
    assert site.ask("GET", "/bulk/delete?q=queue:*").status == 404


def test_browsers_that_only_say_an_origin_and_proxies_that_are_trusted_are_taken(sqlite: PrivateDatabase) -> None:
    access, trusted = (lambda request: Access.operate), ["https://ops.example.com"]
    with served(Dashboard(sqlite.url, tasks, access=access, trusted_origins=trusted)) as site:
        for headers in [{"Origin": site.address}, {"Origin": trusted[0], "Sec-Fetch-Site": "same-origin"}]:
            assert site.post("/queues/pause", {"queue": "mail"}, headers).status == 303


def test_foreign_forms_are_refused(site: Site) -> None:
    for media, status in [("application/json", 415), ("text/plain", 415), ("multipart/form-data; boundary=x", 415)]:
        sent = {**OURS, "Content-Type": media}
        assert site.ask("POST", "/queues/pause", sent, "queue=mail").status == status
    assert site.post("/queues/pause", {"queue": "x" * 70_000}).status == 413
    assert site.post("/queues/pause", {}).status == 400
    assert site.ask("PUT", "/queues/pause", OURS).status == 405
    assert site.post("/nothing", {}).status == 404


def test_every_answer_is_strict(site: Site) -> None:
    for path in ("/", "/jobs?q=oops", "/nothing", "/api/v1/queues", "/static/x/style.css"):
        headers = site.get(path).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert "set-cookie" not in headers
    text = site.get("/").text
    assert "<style" not in text
    assert "style=" not in text
    assert "onclick" not in text


def test_nobody_is_sent_elsewhere(site: Site) -> None:
    for back in ("https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"):
        assert site.post("/theme", {"theme": "dark", "back": back}).headers["location"] == "/"


@pytest.fixture
def shell(sqlite: PrivateDatabase, tmp_path: Any) -> Any:
    """A terminal that knows the database."""
    with terminal(tmp_path, tmp_path, PROLETARIAN_DATABASE=sqlite.url) as opened:
        yield opened


def link_in(text: str) -> tuple[int, str]:
    """The port, and the path behind it, of the last link that was printed."""
    port, _, path = text.split("http://127.0.0.1:")[-1].split()[0].partition("/")
    return int(port), f"/{path}"


def test_the_printed_link_opens_it_once(shell: Terminal) -> None:
    program = shell.start("proletarian web --port 0")
    program.wait_for("?token=")
    port, path = link_in(program.text)
    site = Site(port)
    assert site.get("/").status == 401
    assert site.get("/?token=guessed").status == 401

    welcomed = site.get(path)
    cookie = welcomed.headers["set-cookie"]
    assert (welcomed.status, welcomed.headers["location"]) == (303, "/")
    assert "HttpOnly" in cookie
    assert "Overview" in site.get("/", Cookie=cookie.partition(";")[0]).text
    assert site.get(path).status == 401
    wait_until(lambda: program.text.count("?token=") == 2, what="a link for another browser")
    assert site.get(link_in(program.text)[1]).status == 303
    program.send(signal.SIGTERM)
    assert program.ends() in (0, -signal.SIGTERM)


def test_it_is_never_open_to_others_by_accident(shell: Terminal) -> None:
    said = shell.run("proletarian web --host 0.0.0.0 --port 0")
    assert said.code == 2
    assert "give --auth NAME:PASSWORD, or --insecure-no-auth" in said.err
    assert shell.run("proletarian web --port 0 --auth ann").code == 2
    assert shell.run("proletarian web --port 0 --database sqlite:///nothing.db").code == 3

    program = shell.start("proletarian web --host 0.0.0.0 --port 0 --access read", PROLETARIAN_WEB_AUTH="ann:s3cret")
    program.wait_for("asks for a name and a password")
    site = Site(int(program.text.split("http://0.0.0.0:")[1].split("/")[0]))
    assert site.get("/").status == 401
    assert site.get("/", Authorization="Basic YW5uOndyb25n").status == 401
    assert "ann, read" in site.get("/", Authorization="Basic YW5uOnMzY3JldA==").text
    assert "s3cret" not in program.text
