"""Nothing unpublished reaches a reader, by any address of the site."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.utils import timezone

from articles.models import Article
from newsletter.building import build_digest
from newsletter.models import DigestItem
from tests.factories import (
    NOON,
    ArticleFactory,
    AuthorFactory,
    DigestFactory,
    DriveFactory,
    StudyFactory,
)

SECRET = "Nobody may read this yet"
DAY = timedelta(days=1)
HIDDEN = [
    ("draft", None),
    ("draft", -DAY),
    ("in-review", None),
    ("in-review", -DAY),
    ("scheduled", DAY),
    ("published", DAY),
    ("withdrawn", -DAY),
    ("withdrawn", None),
]
NO_KEY = "00000000-0000-4000-8000-000000000000"
# How to fill in each address that takes an argument.
ARGUMENTS: dict[str, list[str]] = {
    "articles:article": ["hidden"],
    "articles:article_references": ["hidden", "ris"],
    "articles:series": ["movement"],
    "articles:page": ["basics"],
    "articles:page_references": ["basics", "ris"],
    "articles:tag": ["sleep"],
    "articles:author": ["iris"],
    "research:study": ["gentile-2019-a-study"],
    "research:export_study": ["gentile-2019-a-study", "ris"],
    "research:export_library": ["ris"],
    "donations:drive": ["drive"],
    "donations:embed": ["drive"],
    "donations:badge": ["drive"],
    "donations:figures": ["drive"],
    "donations:promised": [NO_KEY],
    "donations:thanks": [NO_KEY],
    "donations:cancelled": [NO_KEY],
    "donations:own": ["no-token"],
    "donations:own_erase": ["no-token"],
    "donations:own_pledge": ["no-token", NO_KEY],
    "donations:own_receipt": ["no-token", NO_KEY],
    "donations:own_statement": ["no-token", "2026"],
    "donations:webhook": ["stripe"],
    "events:webhook": ["mailgun"],
    "newsletter:archived": ["7"],
    "newsletter:confirm": ["no-token"],
    "newsletter:ask_change": ["no-token"],
    "newsletter:change": ["no-token"],
    "newsletter:stay": ["no-token"],
    "newsletter:own_data": ["no-token"],
    "newsletter:erase": ["no-token"],
    "newsletter:leave": ["no-token"],
    "newsletter:preferences": ["no-token"],
}
NOT_FOR_READERS = {"admin", "demo"}


def names(patterns: list[Any], namespace: str = "") -> Iterator[str]:
    for pattern in patterns:
        if isinstance(pattern, URLPattern) and pattern.name:
            yield f"{namespace}{pattern.name}"
        elif isinstance(pattern, URLResolver) and pattern.namespace not in NOT_FOR_READERS:
            prefix = f"{pattern.namespace}:" if pattern.namespace else ""
            yield from names(pattern.url_patterns, prefix)


def every_address() -> list[str]:
    return [reverse(name, args=ARGUMENTS.get(name)) for name in names(get_resolver().url_patterns)]


def hide(state: str, after: timedelta | None) -> Article:
    """An article with all that could show it: tag, author, study, gist."""
    shared = {
        "author": AuthorFactory.create(slug="iris"),
        "tags": ["sleep"],
        "studies": [StudyFactory.create(slug="gentile-2019-a-study")],
    }
    DriveFactory.create(slug="drive")
    ArticleFactory.create(title="For everyone", **shared)
    return ArticleFactory.create(
        title=SECRET,
        slug="hidden",
        standfirst=SECRET,
        gist=[SECRET, SECRET, SECRET],
        state=state,
        published_at=after and timezone.now() + after,
        **shared,
    )


def send_with_digest_7(article: Article) -> None:
    """The article as part of a digest that went out under its title."""
    digest = DigestFactory.create(pk=7, subject=SECRET)
    variant = digest.variants.get()
    DigestItem.objects.create(digest=digest, variant=variant, article=article, position=0)
    digest.deliveries.create(variant=variant, state="sent", not_before_at=NOON)


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "after"), HIDDEN)
def test_cleo_finds_no_hidden_article_at_any_address(
    cleo: Client, state: str, after: timedelta | None
):
    send_with_digest_7(hide(state, after))
    for address in every_address():
        response = cleo.get(address)
        page = response.content.decode()
        assert SECRET not in page, address
        assert "/articles/hidden/" not in page, address


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "after"), HIDDEN)
def test_a_hidden_article_answers_as_if_it_did_not_exist(
    cleo: Client, state: str, after: timedelta | None
):
    hide(state, after)
    hidden, missing = cleo.get("/articles/hidden/"), cleo.get("/articles/never-was/")
    assert hidden.status_code == missing.status_code == 404


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "after"), HIDDEN)
def test_a_hidden_article_is_in_no_digest(rhythm, bea, state: str, after: timedelta | None):
    hide(state, after)
    Article.objects.exclude(slug="hidden").delete()
    assert build_digest(now=timezone.now()) is None


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "after"), HIDDEN)
def test_ada_herself_sees_a_hidden_article_in_the_newsroom_alone(
    ada_browses: Client, state: str, after: timedelta | None
):
    hide(state, after)
    assert ada_browses.get("/articles/hidden/").status_code == 404


@pytest.mark.django_db
def test_a_public_article_stands_at_each_address_that_should_show_it(cleo: Client):
    """The walk above would also pass on a site that shows nothing."""
    send_with_digest_7(hide("published", -DAY))
    shows = [address for address in every_address() if SECRET in cleo.get(address).content.decode()]
    assert shows == [
        "/studies/gentile-2019-a-study/",
        "/digests/7/",
        "/",
        "/articles/",
        "/articles/hidden/",
        "/tags/sleep/",
        "/authors/iris/",
        "/feed/",
    ]
    assert "/articles/hidden/" in cleo.get("/sitemap.xml").content.decode()


@pytest.mark.django_db
def test_the_name_of_a_drafts_tag_is_not_told(cleo: Client):
    ArticleFactory.create(state="draft", published_at=None, tags=["a scandal"])
    assert cleo.get("/tags/a-scandal/").status_code == 404
    assert "a scandal" not in cleo.get("/tags/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize("state", ["scheduled", "published"])
def test_a_scheduled_article_is_public_once_the_clock_says_so_without_any_task(
    cleo: Client, state: str
):
    ArticleFactory.create(slug="soon", title="Soon", state=state, published_at=NOON)
    with time_machine.travel(NOON - timedelta(seconds=1), tick=False):
        assert cleo.get("/articles/soon/").status_code == 404
        assert "Soon" not in cleo.get("/").content.decode()
    with time_machine.travel(NOON, tick=False):
        assert cleo.get("/articles/soon/").status_code == 200
        assert "Soon" in cleo.get("/").content.decode()


@pytest.mark.django_db
@pytest.mark.parametrize(("state", "after"), [*HIDDEN, ("published", -DAY), ("scheduled", -DAY)])
def test_row_and_query_agree_on_what_is_public(state: str, after: timedelta | None):
    article = hide(state, after)
    assert article.is_public() == Article.objects.published().filter(pk=article.pk).exists()
