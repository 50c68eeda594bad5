"""What search engines are told to read."""

from datetime import datetime

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet

from articles.models import Article


class ArticleSitemap(Sitemap):
    """All public articles."""

    def items(self) -> QuerySet[Article]:
        return Article.objects.published().only("slug", "published_at", "updated_at")

    def lastmod(self, item: Article) -> datetime:
        return item.changed_at
