"""Pictures of the dashboard for README and documentation, of `proletarian demo --web`: `make screenshots`."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from tests.cli.terminal import ROOT, terminal
from tests.web.conftest import CHROMIUM, FLAGS

FOLDER = ROOT / "docs/_static/dashboard"
SETTLED = 25_000  # milliseconds in which the shop does some business
ELSEWHERE = """([here, there]) => {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walk.nextNode()) walk.currentNode.data = walk.currentNode.data.replaceAll(here, there);
}"""
WIDTH, HEIGHT = 1280, 860


def take(folder: Path) -> None:
    """Five pages, light and dark; the first on a telephone, too."""
    folder.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory() as temporary,
        terminal(Path(temporary), Path(temporary)) as shell,
        sync_playwright() as playwright,
    ):
        program = shell.start("proletarian demo --web --port 0 --no-open")
        program.wait_for("?token=")
        link = next(line for line in program.text.splitlines() if "?token=" in line)
        address = link.partition("?")[0].rstrip("/")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        context = browser.new_context(viewport={"width": WIDTH, "height": HEIGHT})
        page = context.new_page()
        page.goto(link)
        page.wait_for_timeout(SETTLED)
        page.goto(f"{address}/jobs?q=type:charge_card state:failed")
        job = str(page.locator("tbody th a").first.evaluate("link => link.href"))
        page.goto(f"{address}/jobs?q=type:bind_catalogue")
        flow = str(page.locator("tbody th a").first.evaluate("link => link.href"))
        for name, where in [
            ("overview", f"{address}/"),
            ("job", job),
            ("flow", flow),
            ("failures", f"{address}/failures"),
            ("limits", f"{address}/limits"),
        ]:
            for theme in ("light", "dark"):
                page.emulate_media(color_scheme="light" if theme == "light" else "dark")
                page.goto(where)
                page.wait_for_timeout(1_500)
                shoot(page, folder / f"{name}-{theme}.png")
        page.set_viewport_size({"width": 390, "height": 780})
        page.emulate_media(color_scheme="dark")
        page.goto(f"{address}/")
        page.wait_for_timeout(1_500)
        shoot(page, folder / "telephone.png")
        browser.close()


def shoot(page: Page, path: Path) -> None:
    """One picture; where this checkout lies is nobody's business, so it is shown as a shop's own folder."""
    page.evaluate(ELSEWHERE, [str(ROOT / "src/proletarian/demo"), "/srv/shop"])
    page.screenshot(path=path)
    if str(ROOT) in page.locator("main").inner_text():  # the page was shown anew in between
        shoot(page, path)


if __name__ == "__main__":
    take(Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER)
