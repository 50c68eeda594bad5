"""Preflight asks the database a fixed number of times, however long the text."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from articles.models import Article, ArticleQuote, ArticleRelated, ArticleStudyCard, ArticleText
from articles.preflight import check
from tests.articles.preflight.writing import article, mark
from tests.factories import ArticleFactory, StudyFactory, TermFactory, add_block

# Ten kinds of block, references, gist.
LEAST = 12
# And terms, studies not referred to yet, and four doors of links.
MOST = LEAST + 6

pytestmark = pytest.mark.django_db


def queries(document: Article) -> int:
    with CaptureQueriesContext(
        connection,
    ) as asked:
        check(Article.objects.get(pk=document.pk))
    return len(asked) - 1


def grow(written: Article, times: int) -> None:
    """Blocks of the kinds that lead elsewhere, each to something of its own."""
    for _ in range(times):
        study, other, term = StudyFactory.create(), ArticleFactory.create(), TermFactory.create()
        html = (
            f"<h2>Tea</h2><p>In one trial it was warm.{mark(study.slug)}</p>"
            f'<p><glossary-term data-slug="{term.slug}">Tea</glossary-term>'
            f' <a href="{other.get_absolute_url()}">of old</a> <a href="/pages/x/">and new</a>'
            f' <a href="{study.get_absolute_url()}">studied</a> <a href="/tags/x/">often</a></p>'
        )
        add_block(written, ArticleText, html=html)
        add_block(written, ArticleQuote, text="Tea is warm.", study=study)
        add_block(written, ArticleStudyCard, study=study)
        add_block(written, ArticleRelated, related=other)


def test_an_article_of_plain_text_takes_the_least():
    assert queries(article("<p>Tea.</p>")) == LEAST


def test_a_long_article_takes_no_more_than_a_short_one():
    written = article()
    grow(written, 1)
    short = queries(written)
    grow(written, 9)
    assert queries(written) == short
    assert short <= MOST
