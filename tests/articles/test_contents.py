"""Headings have addresses that stay, and a long article a list of them."""

import pytest

from articles.models import Article, ArticleText
from articles.rendering import render_body
from tests.factories import ArticleFactory, add_block

pytestmark = pytest.mark.django_db


def article_with(*texts: str) -> Article:
    article = ArticleFactory.create(body="")
    for html in texts:
        add_block(article, ArticleText, html=html)
    return article


def test_from_three_headings_on_the_page_has_a_list_of_contents():
    two = render_body(article_with("<h2>Why</h2><p>x</p><h2>How</h2><p>x</p>"))
    three = render_body(article_with("<h2>Why</h2><p>x</p>", "<h2>How</h2><h3>No</h3><h2>So</h2>"))
    assert two.contents == []
    assert [(one.anchor, one.text) for one in three.contents] == [
        ("why", "Why"),
        ("how", "How"),
        ("so", "So"),
    ]


def test_a_heading_keeps_its_address_when_its_words_change():
    article = article_with("<h2>What they found</h2><p>x</p>")
    text = ArticleText.objects.get(parent=article)
    text.html = text.html.replace("What they found", "Results")
    text.save()
    text.refresh_from_db()
    assert '<h2 id="what-they-found">Results</h2>' in text.html


def test_the_same_heading_in_two_texts_gets_two_addresses():
    article = article_with(
        "<h2>Results</h2><p>x</p>", "<h2>Results</h2><p>x</p>", "<h2>Results</h2>"
    )
    body = render_body(article)
    assert [one.anchor for one in body.contents] == ["results", "results-2", "results-3"]
    html = "".join(piece.html for piece in body.pieces)
    for heading in body.contents:
        assert html.count(f'id="{heading.anchor}"') == 1


def test_contents_show_words_alone(cleo):
    html = "<h2>A &amp; <em>B</em></h2><p>x</p><h2>C &lt; D</h2><p>x</p><h2>E</h2>"
    article = article_with(html)
    page = cleo.get(article.get_absolute_url()).content.decode()
    assert ">A &amp; B</a>" in page
    assert ">C &lt; D</a>" in page
