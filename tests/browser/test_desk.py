"""The digest desk on a phone and a desk, in light and dark, and by keyboard alone."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from benchmarks.running import RunningSite
from tests.browser.conftest import axe_finds_nothing, nothing_sticks_out
from tests.browser.newsroom import desk, logged_in
from tests.site.walking import next_letter

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

DIGESTS = "/admin/newsletter/digest/"
# Three new articles; a digest before them that is held, and a reader of plain text.
SCENE = """
from datetime import timedelta
from django.utils import timezone
from articles.models import Article, Author, GistPoint
from newsletter import building
from newsletter.models import Digest, Rhythm, Subscriber
now = timezone.now()
Rhythm.objects.update(next_due_at=now + timedelta(days=5))
plain, _ = Subscriber.objects.get_or_create(
    email="plain@readers.example", defaults={"joined_at": now, "text_only": True}
)
author, _ = Author.objects.get_or_create(name="A. Writer", slug="a-writer")
def publish(name):
    article = Article.objects.create(
        title=f"A study of rest {name}", slug=f"rest-{name}", standfirst="S.", author=author,
        kind="research-summary", state="published", published_at=timezone.now(),
    )
    for place in range(3):
        GistPoint.objects.create(article=article, text="It was small.", position=place)
if not Digest.objects.filter(state="held").exists():
    publish("zero")
    building.build_digest(now=timezone.now(), hold=timedelta(days=1))
    for name in ("one", "two", "three"):
        publish(name)
print(Digest.objects.filter(state="held").first().pk, plain.pk)
"""


@pytest.fixture
def scene(site: RunningSite) -> list[str]:
    """The keys of a held digest and of a reader of plain text."""
    # The demo's own first digest is on its way first: others' walks wait for it.
    next_letter(site, "bea@readers.example")
    return site.manage("shell", "-c", SCENE).split()[-2:]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 1280])
def test_axe_finds_nothing_and_nothing_sticks_out(
    site: RunningSite, desk: Callable[..., Page], scene: list[str], width: int, scheme: str
) -> None:
    held, reader = scene
    paths = [
        "/admin/",
        DIGESTS,
        f"{DIGESTS}coming/",
        f"{DIGESTS}coming/?reader=plain@readers.example&width=360&colours=dark",
        f"{DIGESTS}send-now/",
        f"{DIGESTS}announce/",
        f"{DIGESTS}figures/",
        f"{DIGESTS}{held}/change/",
        f"/admin/newsletter/subscriber/{reader}/change/",
    ]
    page = desk(width, color_scheme=scheme)
    for path in paths:
        page.goto(site.url + path)
        nothing_sticks_out(page)
        axe_finds_nothing(page)
    page.goto(f"{site.url}{DIGESTS}{held}/change/")
    page.get_by_role("button", name="Send at once").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Send at once")
    axe_finds_nothing(page)


def test_an_article_is_left_out_by_keyboard_and_without_script(
    site: RunningSite, desk: Callable[..., Page], scene: list[str]
) -> None:
    page = desk(java_script_enabled=False)
    page.goto(f"{site.url}{DIGESTS}coming/")
    page.get_by_role("button", name=re.compile("^Leave out.*rest two")).focus()
    page.keyboard.press("Enter")
    let_in = page.get_by_role("button", name=re.compile("^Let in.*rest two"))
    expect(let_in).to_be_visible()
    let_in.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=re.compile("^Leave out.*rest two"))).to_be_visible()


def test_the_letter_is_dark_where_it_is_asked_for(
    site: RunningSite, desk: Callable[..., Page], scene: list[str]
) -> None:
    page = desk()
    for colours, is_dark in (("dark", True), ("light", False)):
        page.goto(f"{site.url}{DIGESTS}upcoming/?colours={colours}")
        ground = page.evaluate(
            "getComputedStyle(document.querySelector('.paper') || document.body).backgroundColor"
        )
        parts = [int(part) for part in ground.strip("rgba()").split(",")[:3]]
        assert (sum(parts) < 300) == is_dark, ground


def test_a_letter_is_written_and_looked_at(site: RunningSite, desk: Callable[..., Page]) -> None:
    page = desk()
    page.goto(f"{site.url}{DIGESTS}announce/")
    page.get_by_label("Subject").fill("We move on Monday")
    page.locator(".ProseMirror").click()
    page.keyboard.type("The site rests.")
    page.get_by_role("button", name="Look at it").click()
    letter = page.frame_locator("iframe.letter")
    expect(letter.get_by_text("The site rests.")).to_be_visible()
    expect(page.get_by_role("button", name="Send it to")).to_be_visible()
    axe_finds_nothing(page)
