"""What became of the studies that texts rest on: who cites them, and what readers must know."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, prefetch_related_objects

from articles.bodies import Document
from articles.models import Article, PageReference, Reference
from research.models import Notice, Study

# What was found longer ago is no news, even to who paused that long.
NEWS_FOR = timedelta(days=365)

_GRAVITY = {Notice.Kind.RETRACTION: 0, Notice.Kind.CONCERN: 1, Notice.Kind.CORRECTION: 2}
_STATUS_GRAVITY = {Study.Status.RETRACTED: 0, Study.Status.CONCERN: 1, Study.Status.CORRECTED: 2}


@dataclass(frozen=True)
class Correction:
    """A notice about a study, as a letter tells of it.

    `notice_key` and `study_key` tell one from another; `found_at` is when we learnt of it. A
    correction `is_grave` if it takes the ground from what was written: a retraction or a concern.
    """

    notice_key: int
    study_key: int
    found_at: datetime
    kind: str
    title: str
    citation: str
    path: str
    notice_url: str
    dated_on: date | None

    @property
    def is_grave(self) -> bool:
        """Whether readers hear of it even if it was known when they got the article."""
        return self.kind != Notice.Kind.CORRECTION


def warned(document: Document) -> list[Study]:
    """The studies among its references that carry a notice, the gravest first.

    For what came from `for_page()`, no query; one for the notices if a study carries any.
    """
    cited = [reference.study for reference in document.references.all() if reference.study]
    noticed = [study for study in cited if study.is_noticed]
    prefetch_related_objects(noticed, "notices")
    return sorted(noticed, key=lambda study: _STATUS_GRAVITY[Study.Status(study.status)])


def citing(studies: Iterable[Study]) -> dict[int, list[Document]]:
    """The articles and pages that cite each study, whatever their state, by its primary key."""
    keys = [study.pk for study in studies]
    found: dict[int, list[Document]] = defaultdict(list)
    for key, article in _documents(Reference.objects.filter(study__in=keys), "article"):
        found[key].append(article)
    for key, page in _documents(PageReference.objects.filter(study__in=keys), "page"):
        found[key].append(page)
    return found


def _documents(references: QuerySet[Any], owner: str) -> list[tuple[int, Document]]:
    rows = references.select_related(owner).order_by(f"-{owner}__pk")
    return [(row.study_id, getattr(row, owner)) for row in rows]


def studies_cited(articles: Collection[int]) -> dict[int, set[int]]:
    """The keys of the studies that each of these articles cites now, by the article's key."""
    rows = Reference.objects.filter(article__in=articles, study__isnull=False).order_by()
    found: dict[int, set[int]] = defaultdict(set)
    for article, study in rows.values_list("article_id", "study_id"):
        found[article].add(study)
    return found


def corrections(studies: Collection[int], *, now: datetime) -> list[Correction]:
    """What was found out about these studies within NEWS_FOR and still stands, gravest first."""
    notices = Notice.objects.filter(
        study__in=studies, stands=True, noticed_at__gt=now - NEWS_FOR
    ).select_related("study")
    found = sorted(notices, key=lambda one: (_GRAVITY[Notice.Kind(one.kind)], one.pk))
    return [_correction(notice) for notice in found]


def _correction(notice: Notice) -> Correction:
    return Correction(
        notice_key=notice.pk,
        study_key=notice.study_id,
        found_at=notice.noticed_at,
        kind=notice.kind,
        title=notice.study.title,
        citation=notice.study.short_citation,
        path=notice.study.get_absolute_url(),
        notice_url=notice.doi_url,
        dated_on=notice.dated_on,
    )


def readable(articles: Collection[int]) -> dict[int, Article]:
    """Those of these articles that readers may see, by primary key."""
    return Article.objects.published().order_by().in_bulk(list(articles))
