"""What search engines and reference managers read in an article's page."""

import json
import re
from typing import Any

import pytest
from django.test import Client

from articles.models import Article
from tests.articles.bodies import mark
from tests.factories import ArticleFactory, StudyFactory

pytestmark = pytest.mark.django_db


def said(cleo: Client, article: Article) -> dict[str, Any]:
    page = cleo.get(article.get_absolute_url()).content.decode()
    [data] = re.findall(r'<script type="application/ld\+json">(.*?)</script>', page, re.DOTALL)
    return dict(json.loads(data))


def test_an_article_names_its_author_and_what_it_cites_in_order(cleo: Client):
    first = StudyFactory.create(title="A", doi="10.5555/a")
    second = StudyFactory.create(title="B", doi="10.5555/b")
    article = ArticleFactory.create(body=f"<p>So{mark(second)} and so{mark(first)}.</p>")
    data = said(cleo, article)
    assert (data["@type"], data["headline"]) == ("Article", article.title)
    assert data["author"]["name"] == "Iris Calder"
    assert [cited["name"] for cited in data["citation"]] == ["B", "A"]
    assert data["citation"][0]["url"] == "https://doi.org/10.5555/b"
    assert article.published_at
    assert data["datePublished"] == article.published_at.isoformat()


def test_no_title_ends_the_block_of_data(cleo: Client):
    title = "</script><script>alert(1)</script><!--"
    article = ArticleFactory.create(title=title, studies=[StudyFactory.create(title=title)])
    data = said(cleo, article)
    assert data["headline"] == data["citation"][0]["name"] == title
