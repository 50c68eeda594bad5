"""An editor's walk by keyboard only: paste a DOI, cite, preview, publish.

WALK_SHOTS=folder keeps a picture of each step.
"""

import os
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from itertools import count
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from benchmarks.running import RunningSite, running_site
from tests.browser.conftest import nothing_sticks_out
from tests.research.registers import PAIN_SCORE, WORKS, running, sends, works

pytestmark = pytest.mark.browser

GAMES = "10.7717/peerj.5066"
MAX_STOPS = 250


def recorded(request: BaseHTTPRequestHandler) -> None:
    """What Crossref answered for the DOI in question when it was recorded."""
    doi = unquote(urlsplit(request.path).path).removeprefix("/works/")
    answer = works(doi) if doi in WORKS else sends("Resource not found.", status=404)
    answer(request)


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSite]:
    """The demo, asking registers on this machine."""
    with running() as registers:
        registers.will(recorded)
        servers = {"CROSSREF_URL": registers.address, "PUBMED_URL": registers.address}
        with running_site(tmp_path_factory.mktemp("walk"), **servers) as site:
            yield site


class Editor:
    """Ada at the keys: she has no mouse."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.steps = count(1)

    def reach(self, target: Locator) -> None:
        """Press Tab until it has the focus; what no key reaches fails."""
        expect(target).to_be_visible()
        for _ in range(MAX_STOPS):
            if target.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{MAX_STOPS} stops, and none is {target}")

    def press(self, target: Locator) -> None:
        self.reach(target)
        self.page.keyboard.press("Enter")

    def write(self, label: str, text: str) -> None:
        self.reach(self.page.get_by_label(label, exact=True).first)
        self.page.keyboard.type(text)

    def link(self, name: str) -> Locator:
        return self.page.get_by_role("link", name=name).first

    def button(self, name: str) -> Locator:
        return self.page.get_by_role("button", name=name, exact=True).first

    def shoot(self, name: str) -> None:
        """Keep a picture of this step, if somebody wants to see it."""
        nothing_sticks_out(self.page)
        if folder := os.environ.get("WALK_SHOTS"):
            width = self.page.viewport_size["width"]  # type: ignore[index]
            path = Path(folder) / f"{width}-{next(self.steps):02}-{name}.png"
            self.page.screenshot(path=path)


def _log_in(ada: Editor, site: RunningSite) -> None:
    ada.page.goto(f"{site.url}/admin/")
    ada.write("Username:", "editor")
    ada.write("Password:", "calm-demo-editor")
    ada.shoot("log-in")
    ada.page.keyboard.press("Enter")
    expect(ada.page.get_by_role("heading", name="What waits")).to_be_visible()
    ada.shoot("desk")


def _add_a_study(ada: Editor, doi: str) -> None:
    ada.press(ada.link("Studies"))
    ada.press(ada.link("Add by DOI or PMID"))
    ada.write("DOI or PMID:", f"https://doi.org/{doi}")
    ada.shoot("paste-doi")
    ada.page.keyboard.press("Enter")
    expect(ada.page.get_by_text("is in the library.")).to_be_visible()
    ada.shoot("study-fetched")
    ada.write("In one plain sentence:", "It cannot show cause.")
    ada.press(ada.button("Save"))
    expect(ada.page.get_by_text("was changed successfully")).to_be_visible()


def _write_an_article(ada: Editor, site: RunningSite, title: str) -> None:
    ada.press(ada.link("Home"))
    ada.press(ada.page.locator("#content-main .model-article a.addlink"))
    ada.write("Title:", title)
    ada.write("Standfirst:", "What one small study saw.")
    ada.reach(ada.page.get_by_label("Author:", exact=True))
    ada.page.keyboard.press("ArrowDown")
    for number, text in enumerate(("It was small.", "It was slow.", "It hints.")):
        ada.reach(ada.page.locator(f"#id_gist-{number}-text"))
        ada.page.keyboard.type(text)
    ada.shoot("gist")


def _add_blocks(ada: Editor, cited: str) -> None:
    keys = ada.page.keyboard
    ada.press(ada.button("+ Add a block at the end"))
    expect(ada.button("Text")).to_be_focused()
    ada.shoot("choose-block")
    keys.press("Enter")
    expect(ada.page.get_by_role("textbox", name="Text: Text, block 1")).to_be_focused()
    keys.type("They were asked every day [@")
    expect(ada.page.get_by_role("combobox", name="Author, title, DOI")).to_be_focused()
    keys.type(cited)
    expect(ada.page.get_by_role("dialog").get_by_role("status")).to_have_text("1 choice.")
    ada.shoot("cite")
    keys.press("Enter")
    expect(ada.page.locator(".ProseMirror cite-ref")).to_be_visible()
    keys.type(". It helped some.")
    ada.press(ada.button("+ Add a block at the end"))
    for _ in range(3):
        keys.press("ArrowDown")
    keys.press("Enter")
    ada.write("Caption:", "Days with pain")
    ada.write("Cells:", "Group | Days\nPatients | 4")
    ada.shoot("blocks")


def _preview(ada: Editor) -> None:
    ada.press(ada.button("Save and continue editing"))
    expect(ada.page.get_by_text("was added successfully")).to_be_visible()
    ada.shoot("saved")
    ada.press(ada.link("View on site"))
    expect(ada.page.get_by_text("Preview for the newsroom: draft.")).to_be_visible()
    ada.shoot("preview")


def _publish(ada: Editor, title: str) -> None:
    ada.page.go_back()
    ada.reach(ada.page.get_by_label("State:", exact=True))
    ada.page.keyboard.type("Pub")
    ada.press(ada.button("Save and continue editing"))
    expect(ada.page.get_by_text("Readers see “")).to_be_visible()
    ada.shoot("published")
    ada.press(ada.link("View on site"))
    expect(ada.page.get_by_role("heading", level=1)).to_have_text(title)


def _follow_the_reference(ada: Editor, doi: str) -> None:
    mark = ada.page.get_by_label("Reference 1", exact=True)
    ada.shoot("public-page")
    ada.press(mark)
    listed = ada.page.locator("ol li:target")
    expect(listed).to_contain_text(f"doi:{doi}")
    expect(listed).to_be_in_viewport()
    ada.shoot("reference")
    ada.press(listed.get_by_label("Back to the text"))
    expect(mark).to_be_in_viewport()
    expect(ada.page.get_by_role("cell", name="4")).to_be_visible()


@pytest.mark.parametrize(
    ("width", "doi", "cited"),
    [(1280, PAIN_SCORE, "objective pain score"), (360, GAMES, "how many fish")],
)
def test_an_editors_walk_by_keyboard_only(
    newsroom: RunningSite, chromium: Browser, width: int, doi: str, cited: str
) -> None:
    context = chromium.new_context(viewport={"width": width, "height": 800})
    ada = Editor(context.new_page())
    title = f"What {cited} can tell"
    _log_in(ada, newsroom)
    _add_a_study(ada, doi)
    _write_an_article(ada, newsroom, title)
    _add_blocks(ada, cited)
    _preview(ada)
    _publish(ada, title)
    _follow_the_reference(ada, doi)
    context.close()
