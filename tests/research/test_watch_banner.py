"""A text that rests on a retracted study says so at its top."""

from datetime import date
from typing import Any

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import Client
from django.test.utils import CaptureQueriesContext

from articles.corrections import warned
from articles.models import Article, PageReference
from research.models import Notice, Study
from tests.factories import ArticleFactory, PageFactory, StudyFactory

pytestmark = pytest.mark.django_db

KINDS = {"retracted": "retraction", "concern": "concern", "corrected": "correction"}


def noticed(status: str, **notice: Any) -> Study:
    study = StudyFactory.create(title="Rest & <b>effort</b>", status=status)
    Notice.objects.create(study=study, **{"kind": KINDS[status], **notice})
    return study


def banner(article: Article) -> str:
    return render_to_string("articles/_retraction.html", {"warned": warned(article)})


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("retracted", "A study behind this text was retracted."),
        ("concern", "A journal has expressed concern about a study behind this text."),
        ("corrected", "A study behind this text was corrected."),
    ],
)
def test_the_banner_says_what_happened_to_which_study(status: str, words: str):
    study = noticed(status, doi="10.5555/n", dated_on=date(2026, 3, 1))
    html = banner(ArticleFactory.create(studies=[StudyFactory.create(), study]))
    assert words in html
    assert f'class="notice {status}"' in html
    assert f'<a href="{study.get_absolute_url()}">Rest &amp; &lt;b&gt;effort&lt;/b&gt;</a>' in html
    assert 'href="https://doi.org/10.5555/n"' in html
    assert "of 1 March 2026" in html


def test_the_gravest_stands_first():
    studies = [noticed(status) for status in ("corrected", "retracted", "concern")]
    article = ArticleFactory.create(studies=studies)
    assert [study.status for study in warned(article)] == ["retracted", "concern", "corrected"]


def test_a_notice_set_aside_is_not_named():
    study = noticed("corrected")
    Notice.objects.create(study=study, kind="retraction", stands=False)
    html = banner(ArticleFactory.create(studies=[study]))
    assert "correction" in html
    assert "retraction" not in html


def test_a_text_on_sound_studies_has_no_banner():
    article = ArticleFactory.create(studies=[StudyFactory.create()])
    assert banner(article).strip() == ""


def test_it_asks_once_for_the_notices_of_all_studies():
    ArticleFactory.create(studies=[noticed("retracted") for _ in range(5)])
    article = Article.objects.for_page().get()
    with CaptureQueriesContext(connection) as asked:
        banner(article)
    assert len(asked) == 1


def test_readers_see_it_on_the_article_and_on_the_page(cleo: Client):
    study = noticed("retracted")
    article = ArticleFactory.create(studies=[study])
    page = PageFactory.create()
    PageReference.objects.create(page=page, study=study)
    for text in (article, page):
        html = cleo.get(text.get_absolute_url()).content.decode()
        assert html.count("A study behind this text was retracted.") == 1
        assert html.index("A study behind this text") < html.index("References")
