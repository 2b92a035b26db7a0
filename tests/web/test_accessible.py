"""Every page, light and dark, narrow and wide: axe finds nothing, and nothing sticks out."""

from __future__ import annotations

from pathlib import Path

import axe_playwright_python
import pytest
from playwright.sync_api import Browser

from proletarian import Flow
from tests.databases import PrivateDatabase
from tests.web.conftest import tab
from tests.web.seeded import charge, welcome
from tests.web.served import Site

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = "{runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}"
PAGES = ["/", "/jobs", "/jobs?q=state:failed", "/failures", "/queues", "/schedules", "/schedules/change?name=digest",
         "/limits", "/limits?name=smtp", "/workers", "/system", "/audit", "/bulk?do=cancel&q=queue:*"]  # fmt: skip


@pytest.mark.parametrize(
    ("theme", "width", "paths"),
    [("light", 1440, PAGES), ("dark", 390, [*PAGES[:4], "/limits?name=smtp", "/schedules/change?name=digest"])],
)
def test_no_page_keeps_anybody_out(
    browser: Browser, site: Site, sqlite: PrivateDatabase, theme: str, width: int, paths: list[str]
) -> None:
    flow = Flow()
    flow.add(welcome.job(user=5), after=[flow.add(charge.job(order=n)) for n in range(4)])
    with sqlite.connection() as connection:
        held = flow.enqueue(connection)[-1]
        connection.commit()
    site.post("/queues/pause", {"queue": "mail"})
    site.post("/limits/set", {"name": "smtp", "running": "0"})
    with tab(browser, color_scheme=theme, viewport={"width": width, "height": 900}, bypass_csp=True) as page:
        found = []
        addresses = [site.address + path for path in paths]
        addresses.append(f"{site.address}/job?id={held}")
        page.goto(site.address + "/jobs?q=type:charge state:failed")
        addresses.append(str(page.locator("tbody th a").first.evaluate("link => link.href")))
        for address in addresses:
            page.goto(address)
            page.evaluate(AXE)
            for violation in page.evaluate(f"axe.run(document, {RULES})")["violations"]:
                nodes = [node["html"][:100] for node in violation["nodes"][:3]]
                found.append((address, violation["id"], violation["help"], nodes))
            if (wide := page.evaluate("document.documentElement.scrollWidth")) > width:
                found.append((address, "sticks out", str(wide), []))

    assert found == []


def test_everything_can_be_reached_by_keyboard(browser: Browser, site: Site) -> None:
    with tab(browser) as page:
        page.goto(site.address)
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.textContent") == "Skip to content"
        page.keyboard.press("Enter")
        page.keyboard.press("Tab")

        assert page.evaluate("document.activeElement.closest('main') !== null")
