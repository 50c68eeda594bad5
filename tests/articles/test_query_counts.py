"""Each page asks the database a fixed number of times, whatever the size of the site."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from articles.models import Article, Author, GistPoint, Reference, Tag, TaggedArticle
from donations.models import Drive
from research.models import Study
from tests.factories import AuthorFactory, DriveFactory, StudyFactory, gift

QUERIES = {
    "/": 6,
    "/articles/": 4,
    "/articles/?page=2": 4,
    "/articles/a-5/": 7,
    "/tags/": 1,
    "/tags/sleep/": 5,
    "/authors/iris/": 5,
    "/studies/": 4,
    "/studies/study-0/": 5,
    "/donate/": 4,  # the drives, the sums of the open one and of all past ones
    "/drives/winter/": 2,
    "/subscribe/": 0,
    "/feed/": 3,
    "/sitemap.xml": 10,
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
            body="<p>Twenty people.</p>",
            author=author,
            state="published",
            published_at=now - timedelta(minutes=number),
        )
        for number in range(Article.objects.count(), size)
    )
    studies, tags = list(Study.objects.all()), list(Tag.objects.all())
    GistPoint.objects.bulk_create(GistPoint(article=a, text="It hints.") for a in articles * 3)
    TaggedArticle.objects.bulk_create(
        TaggedArticle(content_object=a, tag=tag) for a in articles for tag in tags
    )
    Reference.objects.bulk_create(
        # The first study is cited by few: its page lists them all.
        Reference(article=a, study=s)
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
