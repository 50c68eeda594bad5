"""What a reader can choose from: rhythms that the site allows, topics in use, time zones."""

from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from itertools import groupby
from zoneinfo import available_timezones

from django.db.models import Q

from articles.models import Article, Tag
from newsletter.models import Cadence, Rhythm, Subscriber

# The words beside the preferences, those about topics among them; raise it when they change.
TEXT_VERSION = "2026-11"
MOST_ARTICLES = 20
_REGIONS = {
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
}

Choices = list[tuple[str, str]]


def site_limit() -> Cadence:
    """How often the site writes at most."""
    cadence = Rhythm.objects.values_list("cadence", flat=True).first()
    return Cadence(cadence or Cadence.EACH)


def cadences(limit: Cadence) -> list[Cadence]:
    """The rhythms on offer: none more often than the site's limit."""
    return [cadence for cadence in Cadence if cadence.weeks >= limit.weeks]


def in_effect(wanted: Cadence, limit: Cadence) -> Cadence:
    """How often somebody who wants it so often gets it."""
    return max(wanted, limit, key=lambda cadence: cadence.weeks)


def topics(reader: Subscriber, *, now: datetime) -> list[tuple[int, str]]:
    """Topics of public research summaries, and those that this reader chose before."""
    public = Article.objects.published(now).filter(kind=Article.Kind.RESEARCH_SUMMARY)
    in_use = Q(tagged_articles__content_object__in=public.order_by().values("pk"))
    tags = Tag.objects.filter(in_use | Q(chosen_by__subscriber=reader)).distinct()
    return [(tag.pk, tag.shown) for tag in tags]


@lru_cache(maxsize=1)
def zones() -> list[tuple[str, Choices]]:
    """Time zones by region, as IANA names them."""
    names = sorted(name for name in available_timezones() if name.split("/")[0] in _REGIONS)
    regions = groupby(names, key=lambda name: name.split("/")[0])
    return [(region, [_zone(name) for name in group]) for region, group in regions]


def _zone(name: str) -> tuple[str, str]:
    return name, name.partition("/")[2].replace("_", " ")


def with_zone(name: str) -> list[tuple[str, str] | tuple[str, Choices]]:
    """All that the select holds: the site's own first, and `name` should it have no region."""
    known = {zone for _, group in zones() for zone, _ in group}
    extra: Iterable[tuple[str, str]] = [] if not name or name in known else [(name, name)]
    return [("", "as the site"), *extra, *zones()]
