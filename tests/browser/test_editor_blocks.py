"""Blocks of a body by keys alone: reach, insert, move, remove; and what axe says of the form."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out
from tests.browser.newsroom import (
    FACT,
    desk,
    html_of,
    logged_in,
    order_of_blocks,
    save,
    text_field,
    write,
)

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

Desk = Callable[..., Page]


def opened(desk: Desk, site: RunningSite, *blocks: tuple[str, dict[str, str]] | str) -> Page:
    page = desk()
    page.goto(write(site, *blocks))
    text_field(page)
    return page


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def says(page: Page) -> Locator:
    return page.locator(".order-machine-wrapper [role=status]")


def test_the_tab_key_meets_the_blocks_in_their_order(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", ("ArticleFact", FACT), "<p>Two</p>")
    assert order_of_blocks(page) == ["One", "Price: 3 a month", "Two"]
    button(page, "Insert a block before Text, block 1").focus()
    met = []
    for _ in range(7):
        page.keyboard.press("Tab")
        met.append(page.evaluate("document.activeElement.ariaLabel || document.activeElement.name"))
    assert met == [
        "Delete Text, block 1",
        "Move up: Text, block 1",
        "Move down: Text, block 1",
        "Hide Text, block 1",
        "heading 2",
        "Text: Text, block 1",
        "Insert a block before Fact that goes stale, block 2",
    ]


def test_the_toolbar_is_one_stop_and_arrows_walk_it(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>")
    button(page, "heading 2").focus()
    page.keyboard.press("ArrowRight")
    expect(button(page, "heading 3")).to_be_focused()
    page.keyboard.press("End")
    expect(button(page, "redo")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(button(page, "heading 2")).to_be_focused()
    page.keyboard.press("Tab")
    expect(text_field(page)).to_be_focused()


def test_a_text_is_inserted_where_it_was_asked_for(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", "<p>Two</p>")
    button(page, "Insert a block before Text, block 2").focus()
    page.keyboard.press("Enter")
    expect(button(page, "Text")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("textbox", name="Text: Text, block 2")).to_be_focused()
    expect(says(page)).to_have_text("Text, block 2 was added.")
    page.keyboard.type("Between")
    save(page)
    assert order_of_blocks(page) == ["One", "Between", "Two"]


def test_a_new_block_of_fields_starts_in_its_first(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>")
    button(page, "+ Add a block at the end").focus()
    page.keyboard.press("Space")
    expect(button(page, "Text")).to_be_focused()
    for _ in range(3):
        page.keyboard.press("ArrowDown")
    expect(button(page, "Table")).to_be_focused()
    page.keyboard.press("Enter")
    table = page.get_by_role("group", name="Table, block 2", exact=True)
    expect(table.get_by_label("Caption")).to_be_focused()


def test_escape_closes_the_menu_of_blocks(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>")
    plus = button(page, "Insert a block before Text, block 1")
    plus.focus()
    page.keyboard.press("Enter")
    expect(plus).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("Escape")
    expect(plus).to_be_focused()
    expect(plus).to_have_attribute("aria-expanded", "false")
    expect(page.locator(".plugin-buttons")).to_be_hidden()


def test_blocks_move_by_keys_and_stay_so(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", ("ArticleFact", FACT), "<p>Two</p>")
    button(page, "Move up: Text, block 3").focus()
    page.keyboard.press("Enter")
    expect(button(page, "Move up: Text, block 2")).to_be_focused()
    expect(says(page)).to_have_text("Moved. Text is now block 2 of 3.")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(says(page)).to_have_text("Text, block 1: it is the first already.")
    assert order_of_blocks(page) == ["Two", "One", "Price: 3 a month"]
    save(page)
    assert order_of_blocks(page) == ["Two", "One", "Price: 3 a month"]


def test_blocks_are_still_dragged(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", "<p>Two</p>")
    first, second = page.locator(".order-machine h3[draggable]").all()
    second.drag_to(first)
    expect(button(page, "Move up: Text, block 1")).to_be_visible()
    page.wait_for_function(
        "document.querySelector('.order-machine .inline_label').textContent.includes('Two')"
    )
    save(page)
    assert order_of_blocks(page) == ["Two", "One"]


def test_removing_a_new_block_among_moved_ones_loses_nothing(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", "<p>Two</p>")
    for text in ("Three", "Four"):
        button(page, "Insert a block before Text, block 1").click()
        button(page, "Text").click()
        expect(page.get_by_role("textbox", name="Text: Text, block 1")).to_be_focused()
        page.keyboard.type(text)
    assert [html_of(page, n) for n in range(2)] == ["<p>Four</p>", "<p>Three</p>"]
    button(page, "Move down: Text, block 1").click()
    button(page, "Remove Text, block 1").focus()
    page.keyboard.press("Enter")
    expect(says(page)).to_have_text("The block was removed.")
    expect(button(page, "Move up: Text, block 1")).to_be_focused()
    save(page)
    assert order_of_blocks(page) == ["Four", "One", "Two"]


def test_a_saved_block_is_deleted_by_its_named_box(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>", "<p>Two</p>")
    page.get_by_role("checkbox", name="Delete Text, block 1").focus()
    page.keyboard.press("Space")
    save(page)
    assert order_of_blocks(page) == ["Two"]


def test_a_block_is_hidden_and_shown_by_keys(site: RunningSite, desk: Desk) -> None:
    page = opened(desk, site, "<p>One</p>")
    fold = button(page, "Hide Text, block 1")
    fold.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".order-machine .ProseMirror")).to_be_hidden()
    show = button(page, "Show Text, block 1")
    expect(show).to_be_focused()
    expect(show).to_have_attribute("aria-expanded", "false")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_on_the_form(
    site: RunningSite, desk: Desk, width: int, scheme: str
) -> None:
    page = desk(width, color_scheme=scheme)
    page.goto(write(site, '<h2 id="a">A</h2><p>One</p>', ("ArticleFact", FACT)))
    text_field(page)
    nothing_sticks_out(page)
    axe_finds_nothing(page)
    button(page, "+ Add a block at the end").click()
    expect(button(page, "Text")).to_be_visible()
    nothing_sticks_out(page)
    axe_finds_nothing(page)


def test_a_finding_leads_to_its_block(site: RunningSite, desk: Desk) -> None:
    words = "<p>Slow.</p>" * 30
    page = opened(desk, site, words, ("ArticleFact", FACT), f"{words}<p>Click %s here.</p>", words)
    page.get_by_role("link", name="Text, block 3").click()
    block = page.get_by_role("group", name="Text, block 3", exact=True)
    expect(block.locator("h3").first).to_be_in_viewport()
    expect(page.get_by_role("group", name="Text, block 1", exact=True)).not_to_be_in_viewport()
    page.keyboard.press("Tab")
    assert block.evaluate("block => block.contains(document.activeElement)")


@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize(
    ("kind", "title"), [("article", "Low-dose naltrexone"), ("page", "What fibromyalgia is")]
)
def test_axe_finds_nothing_on_the_demos_forms(
    site: RunningSite, desk: Desk, kind: str, title: str, width: int
) -> None:
    page = desk(width)
    page.goto(f"{site.url}/admin/articles/{kind}/")
    page.locator("#result_list th a", has_text=title).click()
    text_field(page)
    nothing_sticks_out(page)
    axe_finds_nothing(page)
