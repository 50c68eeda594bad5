"""What search engines are told to read."""

from datetime import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet

from articles.known import known_authors, known_series
from articles.models import Article, Author, Page, Series, Tag


class ArticleSitemap(Sitemap):
    """All public articles."""

    def items(self) -> QuerySet[Article]:
        return Article.objects.published().only("slug", "published_at", "updated_at")

    def lastmod(self, item: Article) -> datetime:
        return item.changed_at


class TagSitemap(Sitemap):
    """The topics of public articles."""

    def items(self) -> QuerySet[Tag]:
        public = Article.objects.published().order_by()
        known = Tag.objects.filter(tagged_articles__content_object__in=public)
        return known.order_by("pk").distinct()


class AuthorSitemap(Sitemap):
    """The bylines of public articles."""

    def items(self) -> QuerySet[Author]:
        return known_authors().order_by("pk")


class SeriesSitemap(Sitemap):
    """The series of public articles."""

    def items(self) -> QuerySet[Series]:
        return known_series().order_by("pk")


class InformationSitemap(Sitemap):
    """The evergreen pages."""

    def items(self) -> QuerySet[Page]:
        return Page.objects.published()

    def lastmod(self, item: Page) -> datetime:
        return item.updated_at
