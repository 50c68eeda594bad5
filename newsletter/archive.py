"""Digests that went out, as pages of the site. Nothing in them is one reader's own.

A page is made of the articles as they stand now, not of the letter as it was frozen: what is
withdrawn vanishes from it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from articles.lettering import Evidence, letter_evidence
from articles.models import Article
from newsletter.depths import MAX_STUDIES
from newsletter.models import Delivery, Digest, DigestItem

View = Callable[..., HttpResponse]


@dataclass(frozen=True)
class Entry:
    """One article of a digest with the studies behind it."""

    article: Article
    evidence: list[Evidence]
    more_studies: int


def archive_url(digest: Digest) -> str:
    """Where a digest can be read in the browser; "" before it is built, and for other letters."""
    if digest.pk is None or digest.kind == Digest.Kind.LETTER:
        return ""
    return f"{settings.SITE_URL}{reverse('newsletter:archived', args=[digest.pk])}"


def sent_digests() -> QuerySet[Digest]:
    """The digests that readers may see: at least one copy went out. One-off letters never."""
    went_out = [Delivery.State.SENT, Delivery.State.UNKNOWN]
    copies = Delivery.objects.filter(digest=OuterRef("pk"), state__in=went_out)
    return Digest.objects.exclude(kind=Digest.Kind.LETTER).filter(Exists(copies))


def public_articles(digest: Digest) -> list[Article]:
    """What was in any copy of a digest and is public now, in the order of the letter."""
    items = DigestItem.objects.filter(digest=digest).order_by("position", "pk")
    places: dict[int, int] = {}
    for place, article in enumerate(items.values_list("article_id", flat=True)):
        places.setdefault(article, place)
    public = Article.objects.published(timezone.now()).for_page().filter(pk__in=places)
    return sorted(public, key=lambda article: places[article.pk])


def _unlisted(view: View) -> View:
    """Kept out of search engines unless ARCHIVE_INDEX says otherwise."""

    @require_safe
    @wraps(view)
    def answered(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = view(request, *args, **kwargs)
        if not settings.ARCHIVE_INDEX:
            response["X-Robots-Tag"] = "noindex"
        return response

    return answered


@_unlisted
def archive(request: HttpRequest) -> HttpResponse:
    """The digests that went out, the newest first."""
    digests = sent_digests().filter(kind=Digest.Kind.DIGEST).order_by("-covers_to_at")
    return render(request, "newsletter/archive.html", {"digests": digests})


@_unlisted
def archived(request: HttpRequest, number: int) -> HttpResponse:
    """One of them, with all its articles that are public now, as deep as a standard letter."""
    digest = sent_digests().filter(pk=number).first()
    if digest is None:
        raise Http404
    entries = [_entry(article) for article in public_articles(digest)]
    return render(request, "newsletter/archived.html", {"digest": digest, "entries": entries})


def _entry(article: Article) -> Entry:
    evidence = letter_evidence(article)
    return Entry(article, evidence[:MAX_STUDIES], max(0, len(evidence) - MAX_STUDIES))
