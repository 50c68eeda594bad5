"""Building a digest: what is new, frozen with its readers in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from articles.models import Article
from newsletter.letters import LEAVE_SLOT, PREFERENCES_SLOT, absolute, render_letter
from newsletter.models import Cadence, Digest, DigestItem, Rhythm


def new_summaries(cadence: Cadence, *, now: datetime) -> list[Article]:
    """Public research summaries that no digest held yet, newest first.

    Looks back to where the last digest began rather than to where it ended: an article saved
    while that one was being built, or dated back a day, still gets its turn.
    """
    last = Digest.objects.order_by("-covers_to_at").first()
    since = last.covers_from_at if last else now - cadence.period
    return list(
        Article.objects.published(now)
        .for_cards()
        .filter(
            kind=Article.Kind.RESEARCH_SUMMARY, published_at__gt=since, digest_items__isnull=True
        )
    )


def build_digest(*, now: datetime) -> Digest | None:
    """Freeze the next digest and one queued delivery per reader; None if nothing is new.

    Two calls at once build one digest: the second waits for the first, then finds nothing new.
    """
    with transaction.atomic():
        cadence = _lock_cadence()
        articles = new_summaries(cadence, now=now)
        return _freeze(articles, cadence, now=now) if articles else None


def _lock_cadence() -> Cadence:
    """The cadence, and until the transaction ends nobody else builds."""
    rhythm = Rhythm.objects.select_for_update().first()
    return Cadence(rhythm.cadence) if rhythm else Cadence.WEEKLY


def _freeze(articles: Sequence[Article], cadence: Cadence, *, now: datetime) -> Digest:
    last = Digest.objects.order_by("-covers_to_at").first()
    context = {
        "articles": [{"article": a, "url": absolute(a.get_absolute_url())} for a in articles],
        "leave_url": LEAVE_SLOT,
        "preferences_url": PREFERENCES_SLOT,
    }
    words = render_letter("digest", context)
    digest = Digest.objects.create(
        cadence=cadence,
        covers_from_at=last.covers_to_at if last else now - cadence.period,
        covers_to_at=now,
        subject=words.subject[:200],
        html=words.html,
        text=words.text,
    )
    DigestItem.objects.bulk_create(
        DigestItem(digest=digest, article=article, position=position)
        for position, article in enumerate(articles)
    )
    digest.audience = _freeze_audience(digest, now=now)
    digest.save(update_fields=["audience"])
    return digest


def _freeze_audience(digest: Digest, *, now: datetime) -> int:
    # One statement, however long the list: rows never pass through Python.
    at = connection.ops.adapt_datetimefield_value(now)
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO newsletter_delivery
                (digest_id, subscriber_id, state, reason, attempts, not_before_at)
            SELECT %s, id, 'queued', '', 0, %s FROM newsletter_subscriber
            WHERE state = 'active' AND (paused_until_at IS NULL OR paused_until_at <= %s)
            """,
            [digest.pk, at, at],
        )
        return cursor.rowcount
