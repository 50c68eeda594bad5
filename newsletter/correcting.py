"""Telling readers what became of a study behind an article that they got.

Each correction goes once to each reader, with the first digest that is built after it was found:
to those alone who got an article that cites the study.
"""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Count
from django.template.loader import render_to_string

from articles import corrections
from articles.models import Article
from newsletter.letters import absolute
from newsletter.models import Citation, Correction, Digest, DigestItem

# A letter is about what is new; what is over waits for the next one.
MAX_CORRECTIONS = 10


def correct(digest: Digest, *, now: datetime) -> None:
    """Freeze in a new digest what its readers must know of articles that they got before.

    To be called once its copies are queued, in the transaction that queues them.
    """
    note_citations()
    behind = Citation.objects.order_by().values_list("study_key", flat=True).distinct()
    found = corrections.corrections(list(behind), now=now)
    if not found:
        return
    articles = _articles_behind({one.study_key for one in found})
    Correction.objects.bulk_create(
        _frozen(digest, one, articles.get(one.study_key, [])) for one in found
    )
    _choose_readers(digest)
    _keep_the_gravest(digest)


def note_citations() -> None:
    """Note what the articles of all digests cite now; what they cited before stays noted.

    So a reader hears of a retraction although an editor has taken the study out by then.
    """
    items = list(DigestItem.objects.order_by().values_list("pk", "article_id"))
    studies = corrections.studies_cited({article for _, article in items})
    cited = {(item, study) for item, article in items for study in studies.get(article, ())}
    noted = set(Citation.objects.values_list("item_id", "study_key"))
    Citation.objects.bulk_create(
        (Citation(item_id=item, study_key=study) for item, study in sorted(cited - noted)),
        batch_size=500,
    )


def _articles_behind(studies: set[int]) -> dict[int, list[Article]]:
    """What we sent about each study and readers may still see, by the study's key."""
    rows = Citation.objects.filter(study_key__in=studies).order_by("item_id")
    # An article has an item in each variant that holds it.
    pairs = list(dict.fromkeys(rows.values_list("study_key", "item__article_id")))
    public = corrections.readable({article for _, article in pairs})
    found: dict[int, list[Article]] = {}
    for study, article in pairs:
        if article in public:
            found.setdefault(study, []).append(public[article])
    return found


def _frozen(
    digest: Digest, correction: corrections.Correction, articles: Iterable[Article]
) -> Correction:
    words = {
        "correction": correction,
        "url": absolute(correction.path),
        "articles": [{"article": a, "url": absolute(a.get_absolute_url())} for a in articles],
    }
    return Correction(
        digest=digest,
        notice_key=correction.notice_key,
        study_key=correction.study_key,
        found_at=correction.found_at,
        is_grave=correction.is_grave,
        html=render_to_string("newsletter/letters/correction.html", words),
        text=render_to_string("newsletter/letters/correction.txt", words),
    )


def _choose_readers(digest: Digest) -> None:
    """Give each correction to the copies of those who got such an article and were not told.

    A plain correction that was known when they got it is no news. Told is who was sent it, or may
    have been; who was skipped or refused that copy is told with this one.
    """
    # One statement, however long the list: rows never pass through Python.
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO newsletter_delivery_corrections (delivery_id, correction_id)
            SELECT copy.id, line.id
            FROM newsletter_correction line
            JOIN newsletter_delivery copy ON copy.digest_id = line.digest_id
            WHERE line.digest_id = %s
            AND EXISTS (
                SELECT 1 FROM newsletter_citation cited
                JOIN newsletter_digestitem item ON item.id = cited.item_id
                JOIN newsletter_digest before ON before.id = item.digest_id
                JOIN newsletter_delivery got ON got.variant_id = item.variant_id
                WHERE cited.study_key = line.study_key
                AND got.subscriber_id = copy.subscriber_id
                AND got.state IN ('sent', 'unknown')
                AND (line.is_grave OR line.found_at > before.covers_to_at)
            )
            AND NOT EXISTS (
                SELECT 1 FROM newsletter_correction earlier
                JOIN newsletter_delivery_corrections told ON told.correction_id = earlier.id
                JOIN newsletter_delivery sent ON sent.id = told.delivery_id
                WHERE earlier.notice_key = line.notice_key
                AND sent.subscriber_id = copy.subscriber_id
                AND sent.state NOT IN ('skipped', 'failed')
            )
            """,
            [digest.pk],
        )


def _keep_the_gravest(digest: Digest) -> None:
    counted = digest.corrections.annotate(readers=Count("deliveries"))
    told = [pk for pk, readers in counted.values_list("pk", "readers") if readers]
    digest.corrections.exclude(pk__in=told[:MAX_CORRECTIONS]).delete()
