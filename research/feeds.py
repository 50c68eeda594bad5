"""The Atom feed of the library: what came in last."""

from datetime import datetime

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.feedgenerator import Atom1Feed

from research.models import Study, StudyQuerySet

ITEMS = 20


class LatestStudies(Feed):
    """The studies that came into the library last."""

    feed_type = Atom1Feed
    title = f"Studies · {settings.SITE_NAME}"
    subtitle = "New in the library of studies"

    def link(self) -> str:
        return reverse("research:library")

    def items(self) -> StudyQuerySet:
        return Study.objects.latest_added()[:ITEMS]

    def item_link(self, item: Study) -> str:
        """Under the public address, whatever host was asked: readers know entries by it."""
        return f"{settings.SITE_URL}{item.get_absolute_url()}"

    def item_title(self, item: Study) -> str:
        return f"{item.get_status_display()}: {item.title}" if item.is_noticed else item.title

    def item_description(self, item: Study) -> str:
        return render_to_string("research/feed_item.html", {"study": item})

    def item_author_name(self, item: Study) -> str:
        return item.authors_line

    def item_pubdate(self, item: Study) -> datetime:
        return item.added_at

    def item_updateddate(self, item: Study) -> datetime:
        return item.added_at
