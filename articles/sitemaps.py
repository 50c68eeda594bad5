"""What search engines are told to read."""

from datetime import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet

from articles.models import Article, Author, Tag


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
        public = Article.objects.published().order_by()
        return Author.objects.filter(articles__in=public).order_by("pk").distinct()
