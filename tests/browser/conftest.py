"""Chromium as people use it: phone and desktop, light and dark, with and without script."""

import json
import os
import shutil
from collections.abc import Callable, Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.site.conftest import site

__all__ = ["site"]

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
AXE_RULES = {
    "runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    # It would ask the site for the style sheets' own imports at addresses that do not exist.
    "preload": False,
    # What passes need not be told node by node.
    "resultTypes": ["violations"],
}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, or the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: install it (Debian: apt install chromium) or set CHROMIUM"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=QUIET)
        yield browser
        browser.close()


def _is_fault(said: ConsoleMessage) -> bool:
    """Errors of the page; not the browser's own line about a refused form (400)."""
    return said.type == "error" and "status of 400" not in said.text


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a browser of its own; it fails the test if its console complains."""
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def open_page(width: int = 1280, **options: object) -> Page:
        context = chromium.new_context(viewport={"width": width, "height": 800}, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: complaints.append(said.text) if _is_fault(said) else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


def axe_finds_nothing(page: Page) -> None:
    """Fail with the rule and the elements if axe finds a violation on the page."""
    found = Axe().run(page, options=AXE_RULES).response["violations"]
    named = [(rule["id"], [node["target"] for node in rule["nodes"]]) for rule in found]
    assert named == [], f"{page.url}: {json.dumps(named)}"


def nothing_sticks_out(page: Page) -> None:
    """Fail if the page has to be scrolled sideways."""
    wider = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert wider <= 0, f"{page.url} is {wider} px too wide"
