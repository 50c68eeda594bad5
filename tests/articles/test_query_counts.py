"""Each page asks the database a fixed number of times, whatever the size of the site."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import (
    Article,
    ArticleQuote,
    ArticleRelated,
    ArticleStudyCard,
    ArticleText,
    Author,
    GistPoint,
    Reference,
    Tag,
    TaggedArticle,
)
from donations.models import Drive
from research.models import Study
from tests.articles.bodies import full_article, mark
from tests.factories import (
    ArticleFactory,
    AuthorFactory,
    DriveFactory,
    SeriesFactory,
    StudyFactory,
    add_block,
    gift,
)

QUERIES = {
    "/": 7,
    "/articles/": 4,
    "/articles/?page=2": 4,
    # Ten of them for the kinds of blocks.
    "/articles/a-5/": 17,
    "/tags/": 1,
    "/tags/sleep/": 5,
    "/authors/iris/": 5,
    "/studies/": 4,
    "/studies/study-0/": 6,
    "/studies/feed/": 1,
    "/donate/": 4,  # the drives, the sums of the open one and of all past ones
    "/drives/winter/": 7,
    "/subscribe/": 0,
    "/feed/": 3,
    "/sitemap.xml": 12,
    "/healthz": 1,
}


@pytest.fixture
def site(db: None) -> None:
    """What all articles share."""
    AuthorFactory.create(slug="iris")
    for number in range(3):
        StudyFactory.create(slug=f"study-{number}")
    for name in ("sleep", "pain"):
        Tag.objects.create(name=name)
    gift(DriveFactory.create(slug="winter"), 1_000)
    for years in (1, 2, 3):
        past = timezone.localdate() - timedelta(days=365 * years)
        gift(DriveFactory.create(starts_on=past, ends_on=past), 1_000)


def grow_to(size: int) -> None:
    """Articles a-0 to a-<size - 1>, each with gist, tags and references."""
    author, now = Author.objects.get(), timezone.now()
    articles = Article.objects.bulk_create(
        Article(
            title=f"Article {number}",
            slug=f"a-{number}",
            standfirst="A small study.",
            author=author,
            state="published",
            published_at=now - timedelta(minutes=number),
        )
        for number in range(Article.objects.count(), size)
    )
    ArticleText.objects.bulk_create(
        ArticleText(parent=a, region="body", html="<p>Twenty people.</p>") for a in articles
    )
    studies, tags = list(Study.objects.all()), list(Tag.objects.all())
    GistPoint.objects.bulk_create(GistPoint(article=a, text="It hints.") for a in articles * 3)
    TaggedArticle.objects.bulk_create(
        TaggedArticle(content_object=a, tag=tag) for a in articles for tag in tags
    )
    Reference.objects.bulk_create(
        # The first study is cited by few: its page lists them all.
        Reference(article=a, study=s, key=s.slug)
        for a in articles
        for s in (studies if a.slug == "a-5" else studies[1:])
    )


def count_queries(client: Client) -> dict[str, int]:
    counts = {}
    for path in QUERIES:
        with CaptureQueriesContext(
            connection,
        ) as asked:
            assert client.get(path).status_code == 200, path
        counts[path] = len(asked)
    return counts


def test_pages_ask_as_often_at_ten_articles_as_at_a_thousand(site: None, cleo: Client):
    grow_to(10)
    at_ten = count_queries(cleo)
    grow_to(1_000)
    assert count_queries(cleo) == at_ten == QUERIES


def test_a_long_article_asks_no_more_often_than_a_short_one(cleo: Client, db: None):
    """A part of a series with 60 blocks of all kinds and 80 references: 18 queries."""
    counts = []
    for texts in (1, 12):
        studies = StudyFactory.create_batch(78 if texts > 1 else 1)
        article = full_article(series=SeriesFactory.create(), part=1)
        for number in range(texts):
            cited = studies[number * 2 % len(studies) :][:2]
            add_block(article, ArticleText, html=f"<h2>Part {number}</h2><p>So.{mark(*cited)}</p>")
            add_block(article, ArticleQuote, text="It faded.", study=cited[0])
            add_block(article, ArticleStudyCard, study=cited[-1])
            add_block(article, ArticleRelated, related=ArticleFactory.create())
        add_block(article, ArticleText, html=f"<p>All.{mark(*studies)}</p>")
        with CaptureQueriesContext(connection) as asked:
            assert cleo.get(article.get_absolute_url()).status_code == 200
        counts.append(len(asked))
    assert article.references.count() == 80
    assert counts == [18, 18]


def test_an_article_asks_once_more_when_a_study_behind_it_carries_a_notice(
    site: None, cleo: Client, django_assert_num_queries: Any
):
    grow_to(10)
    Study.objects.update(status="retracted")
    with django_assert_num_queries(QUERIES["/articles/a-5/"] + 1):
        cleo.get("/articles/a-5/")


def test_the_newsrooms_list_asks_as_often_at_ten_articles_as_at_a_hundred(
    site: None, ada_browses: Client
):
    counts = []
    for size in (10, 100):
        grow_to(size)
        with CaptureQueriesContext(connection) as asked:
            assert ada_browses.get("/admin/articles/article/").status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]


def test_the_page_of_a_drive_asks_as_often_with_one_gift_as_with_fifty(site: None, cleo: Client):
    drive = Drive.objects.get(slug="winter")
    for _ in range(49):
        gift(drive, 100)
    with CaptureQueriesContext(connection) as asked:
        cleo.get("/drives/winter/")
    assert len(asked) == QUERIES["/drives/winter/"]
