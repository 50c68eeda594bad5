"""Building a digest: what is new, frozen with its readers in one transaction."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

from articles.models import Article
from newsletter.correcting import correct
from newsletter.letters import (
    CORRECTIONS_SLOT,
    LEAVE_SLOT,
    PREFERENCES_SLOT,
    Words,
    absolute,
    render_letter,
)
from newsletter.models import Cadence, Digest, DigestItem, Rhythm

# Mail programs cut off HTML of more than 100 kB, and the link to unsubscribe with it (R11).
MAX_ARTICLES = 20


def new_summaries(cadence: Cadence, *, now: datetime) -> list[Article]:
    """Public research summaries that no digest held yet, newest first, at most MAX_ARTICLES.

    What is over stays new, and goes into the next digest, or the one after.
    """
    since = _look_back(cadence, now=now)
    new = (
        Article.objects.published(now)
        .for_cards()
        .filter(
            kind=Article.Kind.RESEARCH_SUMMARY, published_at__gt=since, digest_items__isnull=True
        )
    )
    return list(new[:MAX_ARTICLES])


def _look_back(cadence: Cadence, *, now: datetime) -> datetime:
    """Where the last digest with room to spare began: full ones after it may have left some over.

    Where it began rather than where it ended: an article saved while that one was being built,
    or dated back a day, still gets its turn.
    """
    built = Digest.objects.order_by("covers_to_at")
    with_room = built.exclude(items__position=MAX_ARTICLES - 1)
    start = with_room.values_list("covers_from_at", flat=True).last()
    first = built.values_list("covers_from_at", flat=True).first()
    return start or first or now - cadence.period


def build_digest(*, now: datetime) -> Digest | None:
    """Freeze the next digest and one queued delivery per reader; None if nothing is new.

    Two calls at once build one digest: the second waits for the first, then finds nothing new.
    """
    with transaction.atomic():
        cadence = _lock_cadence()
        articles = new_summaries(cadence, now=now)
        return _freeze(articles, cadence, now=now) if articles else None


def _cadence() -> Cadence:
    return Cadence(Rhythm.objects.values_list("cadence", flat=True).first() or Cadence.WEEKLY)


def _lock_cadence() -> Cadence:
    """The cadence, and until the transaction ends nobody else builds."""
    rhythm = Rhythm.objects.select_for_update().first()
    return Cadence(rhythm.cadence) if rhythm else Cadence.WEEKLY


def upcoming(*, now: datetime) -> Words | None:
    """The letter as `build_digest` would freeze it now; None if nothing is new. Saves nothing."""
    articles = new_summaries(_cadence(), now=now)
    return _write(articles) if articles else None


def _write(articles: Sequence[Article]) -> Words:
    context = {
        "articles": [{"article": a, "url": absolute(a.get_absolute_url())} for a in articles],
        "corrections": CORRECTIONS_SLOT,
        "leave_url": LEAVE_SLOT,
        "preferences_url": PREFERENCES_SLOT,
    }
    return render_letter("digest", context)


def _freeze(articles: Sequence[Article], cadence: Cadence, *, now: datetime) -> Digest:
    last = Digest.objects.order_by("-covers_to_at").first()
    words = _write(articles)
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
    correct(digest, now=now)
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
