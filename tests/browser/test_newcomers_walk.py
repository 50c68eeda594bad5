"""The newcomer's whole walk in Chromium, with axe on every page it visits."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing
from tests.site.walking import link, next_letter

pytestmark = pytest.mark.browser

ADDRESS = "walker@example.org"


def _read(page: Page, site: RunningSite) -> None:
    page.goto(site.url)
    axe_finds_nothing(page)
    page.get_by_role("heading", level=2).first.get_by_role("link").click()
    expect(page.get_by_role("heading", name="The gist")).to_be_visible()
    axe_finds_nothing(page)


def _sign_up(page: Page) -> None:
    page.get_by_label("Your e-mail address").fill("not an address")
    page.get_by_label("Your e-mail address").evaluate("field => field.type = 'text'")
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_text("does not look like an e-mail address")).to_be_visible()
    expect(page.get_by_label("Your e-mail address")).to_be_focused()
    axe_finds_nothing(page)
    address = page.url
    page.get_by_label("Your e-mail address").fill(ADDRESS)
    page.get_by_role("button", name="Sign up").click()
    expect(page.get_by_role("status")).to_contain_text("Please check your inbox")
    assert page.url == address
    axe_finds_nothing(page)


def _confirm(page: Page, site: RunningSite) -> None:
    next_letter(site, ADDRESS)
    page.goto(f"{site.url}/mailbox/?to={ADDRESS}")
    axe_finds_nothing(page)
    page.get_by_role("link", name="Please confirm").click()
    axe_finds_nothing(page)
    page.frame_locator("iframe").get_by_role("link", name="Confirm my address").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("One last step")
    axe_finds_nothing(page)
    page.get_by_role("button", name="Yes, send me the digest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You are on the list")
    axe_finds_nothing(page)


def _log_in(page: Page, site: RunningSite) -> None:
    page.goto(f"{site.url}/admin/")
    axe_finds_nothing(page)
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("calm-demo-editor")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="What waits")).to_be_visible()
    axe_finds_nothing(page)


def _write_and_publish(page: Page, site: RunningSite) -> None:
    page.goto(f"{site.url}/admin/articles/article/add/")
    add_block = page.get_by_role("button", name="+ Add a block at the end")
    expect(add_block).to_be_visible()
    axe_finds_nothing(page)
    page.get_by_role("textbox", name="Title").fill("A short rest between two tasks")
    page.get_by_role("textbox", name="Standfirst").fill("What one small study saw.")
    add_block.click()
    page.get_by_role("button", name="Text", exact=True).click()
    expect(page.get_by_role("textbox", name="Text: Text, block 1")).to_be_focused()
    page.keyboard.type("Twelve people rested for ten minutes.")
    page.get_by_label("Author").select_option(index=1)
    page.get_by_label("Tags").fill("Pacing, FATIGUE")
    for number, text in enumerate(("Twelve people.", "Ten minutes.", "It cannot show why.")):
        page.locator(f"#id_gist-{number}-text").fill(text)
    page.get_by_label("State").select_option("published")
    page.get_by_role("button", name="Save", exact=True).first.click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto(f"{site.url}/articles/a-short-rest-between-two-tasks/")
    expect(page.get_by_role("heading", level=1)).to_have_text("A short rest between two tasks")
    expect(page.get_by_text("Twelve people rested for ten minutes.")).to_be_visible()


def _send_digest(page: Page, site: RunningSite) -> None:
    letters = len(site.letters_to(ADDRESS))
    page.goto(f"{site.url}/admin/newsletter/digest/")
    axe_finds_nothing(page)
    page.get_by_role("link", name="Send a digest now").click()
    axe_finds_nothing(page)
    page.get_by_role("button", name="Send it to").click()
    expect(page.get_by_text("is on its way to")).to_be_visible()
    next_letter(site, ADDRESS, after=letters)


def _give(page: Page, site: RunningSite) -> None:
    page.goto(f"{site.url}/donate/")
    axe_finds_nothing(page)
    bar = page.get_by_role("progressbar").first
    before = int(bar.get_attribute("aria-valuenow") or 0)
    page.goto(f"{site.url}/admin/donations/donation/add/")
    axe_finds_nothing(page)
    page.get_by_label("Drive").select_option(label="Keep it readable")
    page.get_by_label("Amount").fill("300")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("was added successfully")).to_be_visible()
    page.goto(site.url)
    assert int(bar.get_attribute("aria-valuenow") or 0) == before + 10


def _pause(page: Page, site: RunningSite) -> None:
    page.goto(link(next_letter(site, ADDRESS), "preferences"))
    axe_finds_nothing(page)
    page.get_by_label("4 weeks").check()
    page.get_by_role("button", name="Pause").click()
    expect(page.get_by_role("status")).to_contain_text("Paused until")
    axe_finds_nothing(page)
    page.get_by_role("button", name="End the pause").click()
    expect(page.get_by_role("status")).to_contain_text("as usual")


def _leave(page: Page, site: RunningSite) -> None:
    page.goto(link(next_letter(site, ADDRESS), "unsubscribe"))
    axe_finds_nothing(page)
    page.get_by_role("button", name="Yes, stop the digest").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("You have unsubscribed")
    axe_finds_nothing(page)


def test_the_newcomers_walk(site: RunningSite, new_page: Callable[..., Page]) -> None:
    next_letter(site, "bea@readers.example")
    page = new_page()
    _read(page, site)
    _sign_up(page)
    _confirm(page, site)
    _log_in(page, site)
    _write_and_publish(page, site)
    _send_digest(page, site)
    _give(page, site)
    _pause(page, site)
    _leave(page, site)
