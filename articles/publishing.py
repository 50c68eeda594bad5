"""Changes to what readers see."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from articles.models import Article

LIVE = (Article.State.SCHEDULED, Article.State.PUBLISHED)


def settle(article: Article, *, now: datetime) -> None:
    """Make state and time agree, before a save: a public article has a time, a future one waits."""
    if article.state == Article.State.PUBLISHED:
        article.published_at = article.published_at or now
        if article.published_at > now:
            article.state = Article.State.SCHEDULED
    elif article.state == Article.State.SCHEDULED and article.is_public(now):
        article.state = Article.State.PUBLISHED


def publish(article: Article, *, now: datetime) -> bool:
    """Publish at `now` what is not public yet; False, and no change, if it already was."""
    if article.is_public(now):
        return False
    article.state = Article.State.PUBLISHED
    # An old article that comes back is not news: it keeps its date, and no digest holds it again.
    if not article.was_public(now):
        article.published_at = now
    article.save(update_fields=["state", "published_at", "updated_at"])
    return True


def withdraw(article: Article) -> None:
    """Take an article from readers; it stays in the newsroom."""
    article.state = Article.State.WITHDRAWN
    article.save(update_fields=["state", "updated_at"])


def hold(article: Article, *, was: Mapping[str, Any], now: datetime) -> bool:
    """Keep from readers an article that they did not see before this save; whether it was held.

    `was` is what its row held before, by field name; empty for a new one. An article that
    readers already see stays: it does not vanish under them for a slip in an edit.
    """
    before = Article(
        state=was.get("state", Article.State.DRAFT), published_at=was.get("published_at")
    )
    if article.state not in LIVE or before.is_public(now):
        return False
    article.state = Article.State.DRAFT if before.state in LIVE else before.state
    article.save(update_fields=["state", "updated_at"])
    return True


def publish_due(*, now: datetime) -> int:
    """Call scheduled articles whose time has come published; the number of them.

    Readers see them from that time on even if this runs late: the door reads the clock.
    """
    due = Article.objects.filter(state=Article.State.SCHEDULED, published_at__lte=now)
    return due.update(state=Article.State.PUBLISHED)
