"""Citing, explaining and headings in the text editor, by keys alone."""

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing
from tests.browser.newsroom import (
    desk,
    html_of,
    logged_in,
    note_dialogs,
    posted,
    save,
    text_field,
    write,
)

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

GENTILE = {"key": "gentile-2019", "title": "Trigeminal …", "citation": "Gentile et al 2019"}
YOUNGER = {"key": "younger-2013", "title": "Low-dose …", "citation": "Younger et al 2013"}
MARK = '<cite-ref data-key="{}"></cite-ref>'
PEM = {"slug": "pem", "name": "Post-exertional malaise", "definition": "Worse after effort."}


def library(page: Page, studies: list[dict[str, str]], fetchable: str = "") -> list[str]:
    """Answer the picker's searches; the queries that it asked."""
    asked: list[str] = []

    def answer(route: Route) -> None:
        query = unquote(route.request.url.partition("?q=")[2])
        asked.append(query)
        lacks = fetchable if query == fetchable else ""
        route.fulfill(json={"studies": studies, "fetchable": lacks})

    page.route("**/pick/studies?*", answer)
    return asked


def fetching(page: Page, **answer: Any) -> list[dict[str, Any]]:
    """Answer the picker's request to fetch a study; what it sent."""
    sent: list[dict[str, Any]] = []

    def handle(route: Route) -> None:
        request = route.request
        token = request.headers.get("x-csrftoken", "")
        sent.append({"method": request.method, "body": request.post_data, "token": token})
        route.fulfill(**answer)

    page.route("**/pick/fetch", handle)
    return sent


def at_the_desk(open_page: Callable[..., Page], site: RunningSite, *blocks: str) -> Page:
    """A draft's form, its picker asking addresses that each test answers."""
    page = open_page()
    page.goto(write(site, *blocks))
    text_field(page)
    # The module read the addresses of the real newsroom; the dataset is live.
    page.evaluate(
        "Object.assign(document.getElementById('editor-addresses').dataset,"
        " {studies: '/pick/studies', fetch: '/pick/fetch', terms: '/pick/terms'})"
    )
    return page


def options(page: Page, **filters: Any) -> Locator:
    return page.get_by_role("dialog").get_by_role("option", **filters)


def put_caret(page: Page, place: str | int = "end") -> None:
    """Into the first text: at its "start", its "end" or a position."""
    text_field(page).evaluate(f"field => field.editor.commands.focus({place!r})")
    expect(text_field(page)).to_be_focused()


def test_two_signs_search_the_library_and_enter_cites(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>They slept badly.</p>")
    asked = library(page, [GENTILE, YOUNGER])
    put_caret(page)
    page.keyboard.type(" Why [@")
    search = page.get_by_role("combobox", name="Author, title, DOI or PMID")
    expect(search).to_be_focused()
    with page.expect_response("**/pick/studies?q=sle"):
        page.keyboard.type("sle")
    expect(page.get_by_role("dialog").get_by_role("status")).to_have_text("2 choices.")
    page.keyboard.press("ArrowDown")
    chosen = options(page, selected=True)
    expect(chosen).to_contain_text("Younger et al 2013")
    expect(search).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    page.keyboard.type(" is open.")
    expect(posted(page)).to_have_value(
        f"<p>They slept badly. Why {MARK.format('younger-2013')} is open.</p>"
    )
    expect(page.locator(".ProseMirror cite-ref")).to_have_text("Younger et al 2013")
    assert asked[-1] == "sle"


def test_escape_keeps_what_was_typed(site: RunningSite, desk: Callable[..., Page]) -> None:
    page = at_the_desk(desk, site, "<p>Write</p>")
    library(page, [GENTILE])
    put_caret(page)
    page.keyboard.type(" to me[@")
    expect(page.get_by_role("dialog", name="Cite a study")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(text_field(page)).to_be_focused()
    page.keyboard.type("x")
    expect(posted(page)).to_have_value("<p>Write to me[@x</p>")


def test_studies_cited_on_the_page_come_first(site: RunningSite, desk: Callable[..., Page]) -> None:
    cited = f"<p>One {MARK.format('younger-2013')}</p>"
    page = at_the_desk(desk, site, "<p>Two</p>", cited)
    library(page, [GENTILE, YOUNGER])
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    expect(options(page)).to_have_count(2)
    expect(options(page).first).to_contain_text("Younger et al 2013")
    expect(options(page).first).to_contain_text("cited here")
    axe_finds_nothing(page)
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    expect(posted(page)).to_have_value(f"<p>Two{MARK.format('younger-2013')}</p>")


def test_a_doi_that_the_library_lacks_is_fetched(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>New.</p>")
    library(page, [], fetchable="10.1155/2019/6567401")
    sent = fetching(page, json=GENTILE)
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    page.keyboard.type("10.1155/2019/6567401")
    expect(options(page, name="Fetch 10.1155/2019/6567401")).to_be_visible()
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    expect(posted(page)).to_have_value(f"<p>New.{MARK.format('gentile-2019')}</p>")
    assert (sent[0]["method"], sent[0]["body"]) == ("POST", "identifier=10.1155%2F2019%2F6567401")
    assert sent[0]["token"]


def test_what_cannot_be_fetched_is_said_and_stays_typed(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>New.</p>")
    library(page, [], fetchable="10.1155/1")
    fetching(page, status=503, json={"error": "Crossref does not answer. Try again later."})
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    page.keyboard.type("10.1155/1")
    expect(options(page)).to_have_count(1)
    page.keyboard.press("Enter")
    status = page.get_by_role("dialog").get_by_role("status")
    expect(status).to_have_text("Crossref does not answer. Try again later.")
    search = page.get_by_role("dialog").get_by_role("combobox")
    expect(search).to_be_focused()
    expect(search).to_have_value("10.1155/1")
    page.keyboard.press("Escape")
    expect(posted(page)).to_have_value("<p>New.</p>")


def test_without_a_line_what_is_cited_here_can_still_be_cited(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, f"<p>One {MARK.format('younger-2013')} two</p>")
    page.route("**/pick/studies?*", lambda route: route.abort())
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    expect(page.get_by_role("dialog").get_by_role("status")).to_contain_text("did not answer")
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    assert html_of(page).count("<cite-ref") == 2


def test_enter_takes_nothing_that_answers_an_older_question(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>New.</p>")
    library(page, [GENTILE])
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    expect(options(page)).to_have_count(1)
    page.route("**/pick/studies?*", lambda route: None)
    page.keyboard.type("x")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(posted(page)).to_have_value("<p>New.</p>")


def test_the_newsroom_itself_answers_the_picker(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = desk()
    page.goto(write(site, "<p>New.</p>"))
    put_caret(page)
    page.keyboard.press("Control+Shift+E")
    with page.expect_response("**/study/pick/?q=naltrexone") as answered:
        page.keyboard.type("naltrexone")
    study = answered.value.json()["studies"][0]
    expect(options(page).first).to_contain_text(study["citation"])
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    expect(posted(page)).to_have_value(f"<p>New.{MARK.format(study['key'])}</p>")
    save(page)
    expect(page.locator(".ProseMirror cite-ref")).to_have_text(study["citation"])


def test_a_term_is_marked_by_the_toolbar_and_unmarked_again(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>They had PEM</p>")
    page.route("**/pick/terms?*", lambda route: route.fulfill(json={"terms": [PEM]}))
    put_caret(page)
    text_field(page).evaluate("field => field.editor.commands.setTextSelection({from: 10, to: 13})")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("End")
    term = page.get_by_role("button", name="Term of the glossary")
    while not term.evaluate("button => button === document.activeElement"):
        page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    expect(page.get_by_role("combobox", name="Term of the glossary")).to_have_value("PEM")
    expect(options(page)).to_contain_text("Worse after effort.")
    page.keyboard.press("Enter")
    expect(text_field(page)).to_be_focused()
    marked = '<p>They had <glossary-term data-slug="pem">PEM</glossary-term></p>'
    expect(posted(page)).to_have_value(marked)
    expect(term).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    expect(term).to_be_focused()
    page.keyboard.press("Enter")
    expect(posted(page)).to_have_value("<p>They had PEM</p>")


def test_marks_survive_a_save(site: RunningSite, desk: Callable[..., Page]) -> None:
    html = (
        f'<h2 id="sleep">Sleep {MARK.format("a-1")}</h2><ul><li><p><strong>One'
        f'{MARK.format("a-1")}</strong> <glossary-term data-slug="pem">PEM</glossary-term>'
        "</p></li></ul>"
    )
    page = at_the_desk(desk, site, html)
    put_caret(page)
    page.keyboard.type("!")
    save(page)
    expect(posted(page)).to_have_value(html.replace("</glossary-term>", "</glossary-term>!"))


def test_a_heading_keeps_its_address_while_its_words_change(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, '<h2 id="old-words">Old words</h2><p>Text</p>')
    put_caret(page, "start")
    page.keyboard.type("New and ")
    page.get_by_role("button", name="heading 3").click()
    expect(posted(page)).to_have_value('<h3 id="old-words">New and Old words</h3><p>Text</p>')
    save(page)
    expect(posted(page)).to_have_value('<h3 id="old-words">New and Old words</h3><p>Text</p>')


def test_a_heading_in_two_gets_a_second_address(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, '<h2 id="one">One two</h2><p>Text</p>')
    put_caret(page, 4)
    page.keyboard.press("Enter")
    assert re.sub(r"\s", "", html_of(page)).startswith('<h2id="one">One</h2><h2>two</h2>')
    save(page)
    assert '<h2 id="two">' in html_of(page)


def test_a_line_above_a_heading_leaves_it_its_address(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, '<h2 id="one">One</h2><p>Text</p>')
    put_caret(page, "start")
    page.keyboard.press("Enter")
    expect(posted(page)).to_have_value('<p></p><h2 id="one">One</h2><p>Text</p>')


def test_leaving_with_unsaved_words_asks_and_a_save_does_not(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = at_the_desk(desk, site, "<p>Text</p>")
    asked: list[str] = []
    note_dialogs(page, asked)
    put_caret(page)
    page.keyboard.type(" more")
    page.get_by_role("link", name="Home").click()
    expect(text_field(page)).to_contain_text("Text more")
    assert asked == ["beforeunload"]
    save(page)
    page.get_by_role("link", name="Home").click()
    expect(page.get_by_role("heading", name="What waits")).to_be_visible()
    assert asked == ["beforeunload"]
