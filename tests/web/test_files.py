"""What pages load: what it was when it was taken, and little."""

from __future__ import annotations

import gzip
import hashlib
import tomllib
from importlib.resources import files

from proletarian.web import Dashboard
from proletarian.web.files import static_files
from tests.web.served import Site

STATIC = files("proletarian.web").joinpath("static")


def test_what_is_of_others_is_unchanged() -> None:
    vendored = tomllib.loads(STATIC.joinpath("VENDOR.toml").read_text())["file"]
    for file in vendored:
        assert hashlib.sha256(STATIC.joinpath(file["name"]).read_bytes()).hexdigest() == file["sha256"]
    scripts = {name for name in static_files() if name.endswith(".js")}
    assert scripts - {file["name"] for file in vendored} == {"page.js"}


def test_all_of_it_is_below_forty_kilobytes(site: Site) -> None:
    page = len(gzip.compress(site.get("/").text.encode(), 9))

    assert page + sum(len(file.zipped) for file in static_files().values()) < 40_000


def test_files_are_kept_for_a_year_and_come_zipped(dashboard: Dashboard, site: Site) -> None:
    path = f"/static/{dashboard.files.version}/htmx.min.js"
    answer = site.get(path)
    assert "immutable" in answer.headers["cache-control"]
    assert site.ask("HEAD", path, {"Accept-Encoding": "gzip"}).headers["content-encoding"] == "gzip"
    assert site.get("/static/older/htmx.min.js").status == 404
    assert site.get(f"/static/{dashboard.files.version}/../dashboard.py").status == 404
