"""Known attacks in a browser: stored through the field, shown to readers and to editors."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from articles.models import ArticleText
from benchmarks.running import RunningSite
from tests.browser.newsroom import desk, logged_in, note_dialogs, save, text_field, write

__all__ = ["desk", "logged_in"]

pytestmark = pytest.mark.browser

CASES = json.loads((Path(__file__).parents[1] / "data" / "xss-cases.json").read_text())
OWN = [
    "<script>window.__xss=1</script>",
    "<img src=x onerror=window.__xss=1>",
    '<cite-ref data-key="a" onclick="window.__xss=1" style="background:url(//x.example)">',
    '<cite-ref data-key="a&quot;><img src=x onerror=window.__xss=1>"></cite-ref>',
    '<glossary-term data-slug="a"><img src=//x.example onerror=window.__xss=1>w</glossary-term>',
    '<h2 id="a&quot; autofocus onfocus=window.__xss=1 tabindex=1">Head</h2>',
    "<math><mtext></form><form><mglyph><style></math><img src onerror=window.__xss=1>",
    "<svg></p><style><g title='</style><img src onerror=window.__xss=1>'>",
    "<noscript><p title='</noscript><img src=x onerror=window.__xss=1>'>",
    '<a href="javascript:window.__xss=1" autofocus onfocus="window.__xss=1">go</a>',
]
ATTACKS = [case["input"] for case in CASES] + OWN
# What an attack calls, and what would make it known.
WATCH = """
window.__xss = undefined;
for (const name of ["alert", "confirm", "prompt", "eval"]) {
  window[name] = () => { window.__xss = name; };
}
"""
LAST_PICTURE = """
new Promise((done) => {
  const picture = new Image();
  picture.onerror = done;
  picture.src = "/last";
})
"""


class Watched:
    """A page that notices what should not happen on it."""

    def __init__(self, page: Page, home: str) -> None:
        self.page = page
        self.happened: list[str] = []
        page.add_init_script(WATCH)
        note_dialogs(page, self.happened)
        page.on("console", lambda said: self.happened.append(said.text))
        page.on("pageerror", lambda error: self.happened.append(str(error)))
        page.on("request", lambda request: self._note(request.url, home))

    def _note(self, url: str, home: str) -> None:
        if not url.startswith((home, "data:image/svg+xml")):
            self.happened.append(url)

    def nothing_happened(self) -> None:
        """Fail if anything ran, spoke or went elsewhere."""
        assert self.page.evaluate("window.__xss ?? null") is None
        assert self.happened == []


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_an_attack_does_nothing_even_without_a_policy(chromium: Browser, attack: str) -> None:
    field = ArticleText._meta.get_field("html")
    safe = field.sanitize(f"<p>Before</p>{attack}<p>After</p>")
    page = chromium.new_page()
    home = "http://bare.example/"
    document = f"<!doctype html><title>Bare</title><body>{safe}</body>"
    page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=document))
    watched = Watched(page, home)
    page.goto(home)
    # Once more through the parser: an attack may hide in what a browser makes of it.
    page.evaluate("document.body.innerHTML = document.body.innerHTML")
    for link in page.get_by_role("link").all():
        link.dispatch_event("click")
        link.focus()
    expect(page.get_by_text("Before")).to_be_visible()
    # What an attack asked for fails before what is asked for after it.
    page.evaluate(LAST_PICTURE)
    watched.nothing_happened()
    page.close()


def test_no_attack_reaches_readers_or_the_newsroom(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = desk()
    form = write(site, *[f"<p>Before {n}</p>{attack}" for n, attack in enumerate(ATTACKS)])
    watched = Watched(page, site.url)
    page.goto(form)
    last = len(ATTACKS) - 1
    expect(text_field(page, last)).to_contain_text(f"Before {last}")
    watched.nothing_happened()
    page.goto(form.replace("change", "preview"))
    expect(page.get_by_text(f"Before {last}")).to_be_visible()
    watched.nothing_happened()


def test_what_is_pasted_does_nothing_before_it_is_saved(
    site: RunningSite, desk: Callable[..., Page]
) -> None:
    page = desk()
    watched = Watched(page, site.url)
    page.goto(write(site, "<p>Before</p>"))
    field = text_field(page)
    for attack in ATTACKS:
        field.evaluate(
            """(field, html) => {
              const clipboardData = new DataTransfer();
              clipboardData.setData("text/html", html);
              field.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
            }""",
            attack,
        )
    watched.nothing_happened()
    save(page)
    watched.nothing_happened()
