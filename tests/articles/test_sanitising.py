"""No script of an editor, or of who stole an editor's password, reaches a reader."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.test import Client

from articles.models import ArticleText
from donations.models import Drive
from tests.articles.newsroom import ADD, article_form
from tests.factories import ArticleFactory, DriveFactory
from tests.reading import Page

CASES = json.loads((Path(__file__).parents[1] / "data" / "xss-cases.json").read_text())
TAGS = {
    "p", "strong", "em", "h2", "h3", "ul", "ol", "li", "blockquote", "a", "br",
    "cite-ref", "glossary-term",
}  # fmt: skip
ATTRIBUTES = {
    "a": {"href", "rel", "title"},
    "ol": {"start", "type"},
    "h2": {"id"},
    "h3": {"id"},
    "cite-ref": {"data-key"},
    "glossary-term": {"data-slug"},
}
SCHEMES = {"", "http", "https", "mailto"}

pytestmark = pytest.mark.django_db


def unsafe(html: str) -> list[object]:
    """The tags of some HTML that could do something."""
    return [
        (tag, attrs)
        for tag, attrs in Page(html).tags
        if tag not in TAGS
        or set(attrs) - ATTRIBUTES.get(tag, set())
        or urlsplit(attrs.get("href", "")).scheme not in SCHEMES
    ]


def stored(html: str) -> str:
    """What the database holds of an article's text."""
    ArticleFactory.create(body=html)
    return ArticleText.objects.get().html


@pytest.mark.parametrize("case", CASES, ids=[case["file"].split("/")[-1] for case in CASES])
def test_a_known_attack_does_nothing(case: dict[str, str]):
    body = stored(f"<p>Before</p>{case['input']}")
    assert "Before" in body
    assert unsafe(body) == []


@pytest.mark.parametrize(
    "attack",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        '<p onclick="alert(1)">hello</p>',
        '<p style="position:fixed">hello</p>',
        '<a href="javascript:alert(1)">hello</a>',
        '<a href="JaVaScRiPt:alert(1)">hello</a>',
        '<a href="data:text/html,<script>alert(1)</script>">hello</a>',
        '<a href="vbscript:x">hello</a>',
        '<iframe src="https://elsewhere.example"></iframe>',
        "<svg><script>alert(1)</script></svg>",
        "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
        '<a href="https://example.org" target="_blank" onfocus="x">hello</a>',
        "<form action=/admin/><input name=x></form>",
        "<h1>hello</h1>",
    ],
)
def test_only_prose_is_left_of_a_body(attack: str):
    body = stored(f"<p>Before</p>{attack}")
    assert body.startswith("<p>Before</p>")
    assert unsafe(body) == []


def test_what_the_editor_offers_survives():
    body = (
        '<h2 id="sleep">Sleep</h2><h3 id="deep">Deep</h3>'
        "<p><strong>Bold</strong> <em>soft</em><br>"
        '<a href="https://example.org/a?b=1" title="Study">link</a> '
        '<a href="mailto:hello@example.org">mail</a></p>'
        "<ul><li><p>one</p></li></ul><ol><li><p>two</p></li></ol>"
        "<blockquote><p>said</p></blockquote>"
        '<p><glossary-term data-slug="pem">PEM</glossary-term> '
        '<cite-ref data-key="gentile-2019"></cite-ref></p>'
    )
    assert stored(body) == body


def test_every_way_to_write_a_text_sanitises_it():
    attack, harmless = "<p>Hi<script>alert(1)</script></p>", "<p>Hi</p>"
    assert stored(attack) == harmless
    made = ArticleText.objects.get()
    ArticleText.objects.filter(pk=made.pk).update(html=attack)
    assert ArticleText.objects.get(pk=made.pk).html == harmless
    made.pk, made.html = None, attack
    ArticleText.objects.bulk_create([made])
    assert ArticleText.objects.latest("pk").html == harmless


def test_what_ada_pastes_is_sanitised_before_anybody_sees_it(ada_browses: Client, cleo: Client):
    body = '<p>Hello</p><script>alert(1)</script><p><img src=x onerror="alert(2)">there</p>'
    ada_browses.post(ADD, article_form(blocks={"text": [{"html": body}]}, state="published"))
    assert ArticleText.objects.get().html == "<p>Hello</p><p>there</p>"
    page = cleo.get("/articles/sleep-and-pain/").content.decode()
    assert "alert(" not in page


def test_the_texts_of_a_drive_are_sanitised_too():
    DriveFactory.create(
        story="<p>For<script>x</script> heat</p>", how_to_give="<p onclick=x>So</p>"
    )
    drive = Drive.objects.get()
    assert (drive.story, drive.how_to_give) == ("<p>For heat</p>", "<p>So</p>")
