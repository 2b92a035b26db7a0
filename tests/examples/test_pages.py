"""The pages of the examples: how to begin, and where links lead."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.terminal import ROOT, terminal
from tests.examples.page import Page

PAGES = sorted((ROOT / "examples").rglob("README.md"))


def test_how_to_begin(tmp_path: Path) -> None:
    page = Page(ROOT / "examples/README.md")
    [database] = [command.rpartition("=")[2] for command in page.shown if command.startswith("export ")]

    with terminal(tmp_path, tmp_path, PROLETARIAN_DATABASE=database) as shell:
        page.check("proletarian migrate", shell.run("proletarian migrate").text)

    assert (tmp_path / "examples.db").exists()


def test_there_is_a_page_for_each_example() -> None:
    folders = {path.parent for path in (ROOT / "examples").glob("[a-z]_*/__init__.py")}

    assert folders - {page.parent for page in PAGES} == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.parent.name))
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", page.read_text())

    assert [link for link in links if not (page.parent / link).exists()] == []
