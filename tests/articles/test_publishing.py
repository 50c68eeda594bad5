"""State and time of an article agree, however it came to be public."""

from datetime import timedelta

import pytest
from django.db import IntegrityError

from articles import publishing, tasks
from articles.models import Article
from tests.factories import NOON, ArticleFactory

LATER = NOON + timedelta(hours=1)
EARLIER = NOON - timedelta(hours=1)

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("state", "time", "settled_state", "settled_time"),
    [
        ("draft", None, "draft", None),
        ("draft", LATER, "draft", LATER),
        ("published", None, "published", NOON),
        ("published", EARLIER, "published", EARLIER),
        ("published", NOON, "published", NOON),
        ("published", LATER, "scheduled", LATER),
        ("scheduled", LATER, "scheduled", LATER),
        ("scheduled", EARLIER, "published", EARLIER),
        ("withdrawn", EARLIER, "withdrawn", EARLIER),
    ],
)
def test_settling_makes_state_and_time_agree(state, time, settled_state, settled_time):
    article = Article(state=state, published_at=time)
    publishing.settle(article, now=NOON)
    assert (article.state, article.published_at) == (settled_state, settled_time)


def test_publishing_puts_a_draft_before_readers_now():
    article = ArticleFactory.create(state="draft", published_at=None)
    assert publishing.publish(article, now=NOON)
    assert list(Article.objects.published(NOON)) == [article]


def test_publishing_a_scheduled_article_does_not_wait_for_its_time():
    article = ArticleFactory.create(state="scheduled", published_at=LATER)
    assert publishing.publish(article, now=NOON)
    article.refresh_from_db()
    assert (article.state, article.published_at) == ("published", NOON)


def test_publishing_twice_keeps_the_first_time():
    article = ArticleFactory.create(state="published", published_at=EARLIER)
    assert not publishing.publish(article, now=NOON)
    article.refresh_from_db()
    assert article.published_at == EARLIER


def test_withdrawing_takes_an_article_from_readers_and_keeps_it_in_the_newsroom():
    article = ArticleFactory.create(published_at=EARLIER)
    publishing.withdraw(article)
    assert not Article.objects.published(NOON).exists()
    assert Article.objects.get().state == "withdrawn"


def test_the_task_calls_due_articles_published_and_leaves_the_others():
    due = ArticleFactory.create(state="scheduled", published_at=EARLIER)
    waiting = ArticleFactory.create(state="scheduled", published_at=LATER)
    draft = ArticleFactory.create(state="draft", published_at=EARLIER)
    assert publishing.publish_due(now=NOON) == 1
    for article, state in ((due, "published"), (waiting, "scheduled"), (draft, "draft")):
        article.refresh_from_db()
        assert article.state == state


def test_the_task_settles_twice_without_harm():
    ArticleFactory.create(state="scheduled", published_at=EARLIER)
    tasks.publish_due()
    tasks.publish_due()
    assert Article.objects.get().state == "published"


@pytest.mark.parametrize("state", ["scheduled", "published"])
def test_the_database_refuses_a_public_article_without_a_time(state):
    with pytest.raises(IntegrityError):
        ArticleFactory.create(state=state, published_at=None)


def test_the_database_refuses_a_picture_without_words():
    with pytest.raises(IntegrityError):
        Article.objects.filter(pk=ArticleFactory.create().pk).update(picture="articles/x.jpg")


def test_newer_articles_come_first_and_the_later_row_wins_a_tie():
    first = ArticleFactory.create(published_at=EARLIER)
    second = ArticleFactory.create(published_at=EARLIER)
    newest = ArticleFactory.create(published_at=NOON)
    assert list(Article.objects.published(NOON)) == [newest, second, first]
