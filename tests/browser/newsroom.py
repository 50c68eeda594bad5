"""An editor at work: pages that are logged in, and articles to work on."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Locator, Page, expect

from benchmarks.running import RunningSite

WRITE = """
import json
from articles import models
found = json.loads({data!r})
author, _ = models.Author.objects.get_or_create(name="A. Writer", slug="a-writer")
article = models.Article.objects.create(
    title=found["title"], slug=found["title"], standfirst="S.", author=author
)
for place, (kind, fields) in enumerate(found["blocks"], start=1):
    getattr(models, kind).objects.create(
        parent=article, region="body", ordering=10 * place, **fields
    )
print(article.pk)
"""
FACT = {
    "label": "Price",
    "value": "3 a month",
    "source": "The shop",
    "checked_on": "2026-01-01",
    "check_by_on": "2099-01-01",
}


@pytest.fixture(scope="session")
def logged_in(chromium: Browser, site: RunningSite) -> Any:
    """The cookies of the demo's editor: one login for all, because logins are limited."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(f"{site.url}/admin/")
    page.get_by_label("Username").fill("editor")
    page.get_by_label("Password").fill("calm-demo-editor")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="What waits")).to_be_visible()
    cookies = context.storage_state()
    context.close()
    return cookies


@pytest.fixture
def desk(chromium: Browser, logged_in: Any) -> Iterator[Callable[..., Page]]:
    """Open a page in which the demo's editor is logged in; a script's error fails the test."""
    contexts: list[BrowserContext] = []
    errors: list[str] = []

    def open_page(width: int = 1280, **options: object) -> Page:
        view = {"width": width, "height": 800}
        context = chromium.new_context(viewport=view, storage_state=logged_in, **options)  # type: ignore[arg-type]
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda said: errors.append(said.text) if _refused(said.text) else None)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert errors == []


def _refused(said: str) -> bool:
    """What the content security policy stops is an error, too."""
    return "Content Security Policy" in said or "loading extension module" in said


def write(site: RunningSite, *blocks: tuple[str, dict[str, str]] | str) -> str:
    """A draft with these blocks (a str is a text); the address of its form."""
    rows = [("ArticleText", {"html": b}) if isinstance(b, str) else b for b in blocks]
    data = json.dumps({"title": f"draft-{uuid.uuid4().hex[:8]}", "blocks": rows})
    pk = site.manage("shell", "-c", WRITE.format(data=data)).split()[-1]
    return f"{site.url}/admin/articles/article/{pk}/change/"


def text_field(page: Page, number: int = 0) -> Locator:
    """The text area of the text block `number`, once it is ready."""
    field = page.locator(".order-machine .ProseMirror").nth(number)
    expect(page.locator(".prose-menubar[role=toolbar]").nth(number)).to_be_visible()
    return field


def note_dialogs(page: Page, kinds: list[str]) -> None:
    """Refuse each dialog of the page, and write its kind down."""

    def refuse(dialog: Dialog) -> None:
        kinds.append(dialog.type)
        dialog.dismiss()

    page.on("dialog", refuse)


def posted(page: Page, number: int = 0) -> Locator:
    """The field with what the form would send of the text block `number`."""
    return page.locator(".order-machine textarea[name$='-html']").nth(number)


def html_of(page: Page, number: int = 0) -> str:
    """What the form would send of it now; the editor writes a moment after the last key."""
    return posted(page, number).input_value()


def save(page: Page) -> None:
    """Save and stay."""
    page.get_by_role("button", name="Save and continue editing").first.click()
    expect(page.get_by_text("was changed successfully")).to_be_visible()
    expect(page.locator(".prose-menubar[role=toolbar]").first).to_be_visible()


def order_of_blocks(page: Page) -> list[str]:
    """The first words of the blocks as a screen reader meets them."""
    labels = page.locator(".order-machine .inline-related:not(.empty-form) .inline_label")
    return [" ".join(text.split()) for text in labels.all_text_contents()]
