"""Each public page on a phone and a desk, in light and dark, with and without script."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/articles/",
    "/articles/low-dose-naltrexone-two-trials/",
    "/tags/",
    "/tags/pain/",
    "/authors/mira-thornbeck/",
    "/studies/",
    "/donate/",
    "/drives/keep-it-readable/",
    "/drives/listening-drive/",
    "/fund/",
    "/fund/embed/",
    "/subscribe/",
    "/subscribe/check/",
    "/my-data/",
    "/mailbox/",
]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    site: RunningSite, new_page: Callable[..., Page], width: int, scheme: str
) -> None:
    page = new_page(width, color_scheme=scheme)
    for path in PAGES:
        page.goto(site.url + path)
        nothing_sticks_out(page)
        axe_finds_nothing(page)


def test_the_missing_page_looks_like_the_site(site: RunningSite, chromium: object) -> None:
    page = chromium.new_page()  # type: ignore[attr-defined]
    answer = page.goto(f"{site.url}/nowhere/")
    assert answer.status == 404
    axe_finds_nothing(page)
    page.close()


def test_sign_up_works_without_script(site: RunningSite, new_page: Callable[..., Page]) -> None:
    page = new_page(360, java_script_enabled=False)
    page.goto(site.url)
    page.get_by_label("Your e-mail address").fill("noscript@example.org")
    page.wait_for_timeout(1100)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Please check your inbox")


def test_the_first_keys_lead_to_the_text(site: RunningSite, new_page: Callable[..., Page]) -> None:
    page = new_page()
    page.goto(f"{site.url}/articles/")
    page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the text")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.locator("main a").first).to_be_focused()


def test_a_page_asks_no_other_host(site: RunningSite, new_page: Callable[..., Page]) -> None:
    page = new_page()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in PAGES:
        page.goto(site.url + path)
    assert asked
    assert [url for url in asked if not url.startswith(site.url)] == []
