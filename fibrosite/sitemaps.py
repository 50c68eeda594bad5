"""The parts of the sitemap that belong to no app alone."""

from django.contrib.sitemaps import Sitemap
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from donations.models import Drive
from research.models import Study


class PageSitemap(Sitemap):
    """The standing pages."""

    def items(self) -> list[str]:
        return [
            "articles:home",
            "articles:archive",
            "articles:topics",
            "articles:pages",
            "articles:glossary",
            "research:library",
            "donations:donate",
            "donations:fund",
            "newsletter:subscribe",
        ]

    def location(self, item: str) -> str:
        return reverse(item)


class StudySitemap(Sitemap):
    """The study library."""

    def items(self) -> QuerySet[Study]:
        return Study.objects.order_by("pk")


class DriveSitemap(Sitemap):
    """Drives that have begun."""

    def items(self) -> QuerySet[Drive]:
        return Drive.objects.started_by(timezone.localdate())
