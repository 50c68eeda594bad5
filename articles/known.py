"""Whom and what readers know, through something public."""

from django.db.models import Exists, OuterRef, QuerySet

from articles.models import Article, Author, Page, Series


def known_authors() -> QuerySet[Author]:
    """Who wrote a public article or reviewed a public page."""
    writes = Article.objects.published().order_by().filter(author=OuterRef("pk"))
    reviews = Page.objects.published().order_by().filter(reviewer=OuterRef("pk"))
    return Author.objects.filter(Exists(writes) | Exists(reviews))


def known_series() -> QuerySet[Series]:
    """The series of which at least one part is public."""
    parts = Article.objects.published().order_by().filter(series=OuterRef("pk"))
    return Series.objects.filter(Exists(parts))
